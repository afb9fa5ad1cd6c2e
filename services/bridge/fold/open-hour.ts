import { createHash } from 'node:crypto';
import type { Quantity } from '../../shared/model/decimal.ts';
import {
  monthsOf,
  type ClosedMarker,
  type UsageAggregate,
} from '../../shared/model/usage-aggregate.ts';
import { uuidText } from '../../shared/model/usage-event.ts';
import type { UsageMonths } from '../../shared/model/usage-months.ts';

/** What billing needs from an aggregate. */
export interface HourUsage {
  readonly aggregateId: string;
  readonly subscriptionId: string;
  readonly meterId: string;
  readonly resourceUri: string;
  readonly location: string;
  readonly quantity: Quantity;
  readonly months: UsageMonths;
}

const hourUsageOf = (aggregate: UsageAggregate): HourUsage => {
  const { subscriptionId, meterId, resourceUri, location, quantity } = aggregate;
  return {
    aggregateId: uuidText(aggregate.aggregateId),
    subscriptionId,
    meterId,
    resourceUri,
    location,
    quantity,
    months: monthsOf(aggregate),
  };
};

interface Collected {
  readonly usage: HourUsage;
  readonly value: Buffer;
}

/** An hour whose marker has matched: all its usage, and the position of the marker. */
export interface ClosedUsage {
  readonly usage: readonly HourUsage[];
  readonly digest: string;
  readonly markerOffset: number;
}

/**
 * The aggregates of one reported hour of a source partition, as they arrive. They may arrive several times,
 * from an owner that crashed or from a zombie. Each id counts once, in the order in which ids were first
 * seen, which is the order of publication. If the hour is published again with other bytes (by a version
 * with another schema), those are tried as well. So is what came since the last marker that did not match:
 * if the first records of the hour expired unread, all of it is published again behind that marker.
 */
export class OpenHour {
  /** The offset of the hour's first record. Reading must begin there to see the complete hour. */
  readonly firstOffset: number;
  private readonly first = new Map<string, Collected>();
  private readonly latest = new Map<string, Collected>();
  private sinceMarker: Map<string, Collected> | null = null;
  private matched: ClosedUsage | null = null;

  constructor(firstOffset: number) {
    this.firstOffset = firstOffset;
  }

  /** Null until its marker has arrived. */
  get closed(): ClosedUsage | null {
    return this.matched;
  }

  add(aggregate: UsageAggregate, value: Buffer): void {
    if (this.matched) return;
    const usage = hourUsageOf(aggregate);
    const { aggregateId } = usage;
    const collected = { usage, value };
    if (this.sinceMarker?.has(aggregateId) === false) this.sinceMarker.set(aggregateId, collected);
    const earlier = this.latest.get(aggregateId);
    if (earlier?.value.equals(value)) return;
    this.latest.set(aggregateId, collected);
    if (!earlier) this.first.set(aggregateId, collected);
  }

  /**
   * Closes the hour if the marker's count and digest match the aggregates. The first marker that matches
   * counts.
   */
  close(marker: ClosedMarker, offset: number): boolean {
    if (this.matched) return true;
    const values = [this.first, this.latest, this.sinceMarker ?? this.latest]
      .map((collected) => [...collected.values()])
      .find((each) => each.length === marker.count && digestOf(each) === marker.digest);
    if (!values) {
      this.sinceMarker = new Map();
      return false;
    }
    this.matched = {
      usage: values.map(({ usage }) => usage),
      digest: marker.digest,
      markerOffset: offset,
    };
    this.first.clear();
    this.latest.clear();
    this.sinceMarker = null;
    return true;
  }

  get count(): number {
    return this.matched?.usage.length ?? this.first.size;
  }
}

const digestOf = (collected: readonly Collected[]): string => {
  const hash = createHash('sha256');
  for (const { value } of collected) hash.update(value);
  return hash.digest('hex');
};
