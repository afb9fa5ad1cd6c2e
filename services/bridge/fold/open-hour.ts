import { createHash } from 'node:crypto';
import type { Quantity } from '../../shared/model/decimal.ts';
import {
  monthsOf,
  type ClosedMarker,
  type HourPart,
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
  readonly usage: readonly HourUsage[];
  readonly value: Buffer;
}

/** Parts by their places in the hour. */
type Parts = Map<number, Collected>;

/** An hour whose marker has matched: all its usage, and the position of the marker. */
export interface ClosedUsage {
  readonly usage: readonly HourUsage[];
  readonly digest: string;
  readonly markerOffset: number;
}

/**
 * The parts of one reported hour of a source partition, as they arrive. They may arrive several times, from an owner that
 * crashed or from a zombie, and each counts once. If the hour is published again with other bytes (by a version with
 * another schema, or that cuts it elsewhere), those are tried as well. So is what came since the last marker that did not
 * match: if the first records of the hour expired unread, all of it is published again behind that marker. An hour of which
 * there are parts is never closed as an empty one.
 */
export class OpenHour {
  /** The offset of the hour's first record. Reading must begin there to see the complete hour. */
  readonly firstOffset: number;
  private readonly first: Parts = new Map();
  private readonly latest: Parts = new Map();
  private sinceMarker: Parts | null = null;
  private matched: ClosedUsage | null = null;

  constructor(firstOffset: number) {
    this.firstOffset = firstOffset;
  }

  /** Null until its marker has arrived. */
  get closed(): ClosedUsage | null {
    return this.matched;
  }

  add({ part, aggregates }: HourPart, value: Buffer): void {
    if (this.matched) return;
    const earlier = this.latest.get(part);
    const isKnown = earlier?.value.equals(value) === true;
    const collected = isKnown ? earlier : { usage: aggregates.map(hourUsageOf), value };
    if (this.sinceMarker?.has(part) === false) this.sinceMarker.set(part, collected);
    if (isKnown) return;
    this.latest.set(part, collected);
    if (!this.first.has(part)) this.first.set(part, collected);
  }

  /** Closes the hour if the marker's parts are here and its digest matches. The first marker that matches counts. */
  close(marker: ClosedMarker, offset: number): boolean {
    if (this.matched) return true;
    const isEmptied = marker.parts === 0 && this.first.size > 0;
    const parts = [this.first, this.latest, this.sinceMarker ?? this.latest]
      .map((collected) => inOrder(collected, marker.parts))
      .find((each) => each !== null && digestOf(each) === marker.digest);
    if (!parts || isEmptied) {
      this.sinceMarker = new Map();
      return false;
    }
    this.matched = {
      usage: parts.flatMap(({ usage }) => usage),
      digest: marker.digest,
      markerOffset: offset,
    };
    this.first.clear();
    this.latest.clear();
    this.sinceMarker = null;
    return true;
  }

  /** How many parts there are while it is open. */
  get parts(): number {
    return this.first.size;
  }
}

/** The first so many parts, in order; null if one is missing. More of them are left from a version that cuts the hour elsewhere. */
const inOrder = (collected: Parts, count: number): readonly Collected[] | null => {
  const parts: Collected[] = [];
  for (let part = 0; part < count; part++) {
    const found = collected.get(part);
    if (!found) return null;
    parts.push(found);
  }
  return parts;
};

const digestOf = (collected: readonly Collected[]): string => {
  const hash = createHash('sha256');
  for (const { value } of collected) hash.update(value);
  return hash.digest('hex');
};
