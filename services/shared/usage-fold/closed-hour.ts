import { createHash } from 'node:crypto';
import { addQuantities } from '../model/decimal.ts';
import { TEXT_NAMES } from '../model/event-texts.ts';
import { nextHour, type Hour } from '../model/time.ts';
import { sumOfMonths, usageMonthOf, type UsageMonths } from '../model/usage-months.ts';
import {
  aggregateIdsOf,
  type ClosedMarker,
  type HourPart,
  type UsageAggregate,
} from '../model/usage-aggregate.ts';
import type { Window } from './window.ts';
import type { Place } from './place.ts';

/**
 * What is published for a closed hour. It is a pure function of the hour, so it can be published again.
 */
export interface Publication {
  readonly parts: readonly Buffer[];
  readonly marker: ClosedMarker;
}

const isSame = (a: Window, b: Window): boolean =>
  a.resourceKey === b.resourceKey &&
  a.meterKey === b.meterKey &&
  a.subscriptionKey === b.subscriptionKey;

/** Windows in the byte order of their keys, which is also ClickHouse's order. */
export const inKeyOrder = (windows: Iterable<Window>): Window[] =>
  [...windows].sort(
    (a, b) =>
      compareBytes(a.subscriptionKey, b.subscriptionKey) ||
      compareBytes(a.meterKey, b.meterKey) ||
      compareBytes(a.resourceKey, b.resourceKey),
  );

/** Compares texts by their UTF-8 bytes. JavaScript compares code units, which differs only where there are surrogates. */
const compareBytes = (a: string, b: string): number => {
  if (a === b) return 0;
  if (SURROGATE.test(a) || SURROGATE.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
};

const SURROGATE = /[\ud800-\udfff]/;

/** Aggregates in a part of an hour, and code units of their texts: a record must stay well below 1 MiB. */
const MOST_AGGREGATES = 200;
const MOST_TEXT = 64 * 1024;

/**
 * Builds the publication of an hour from its windows in the order of their keys: one aggregate for each (subscription,
 * meter, resource), summed over usage hours, and the aggregates in parts. Where the hour is cut depends on its
 * aggregates alone.
 */
export class HourPublication {
  private readonly place: Place;
  private readonly hour: Hour;
  private readonly encode: (part: HourPart) => Buffer;
  private readonly idOf: ReturnType<typeof aggregateIdsOf>;
  private readonly digest = createHash('sha256');
  private parts = 0;
  /** The aggregates of the next part, and the code units of their texts. */
  private aggregates: UsageAggregate[] = [];
  private text = 0;
  /** The windows of the last identity so far: more may follow. */
  private group: Window[] = [];

  constructor(place: Place, hour: Hour, encode: (part: HourPart) => Buffer) {
    this.place = place;
    this.hour = hour;
    this.encode = encode;
    this.idOf = aggregateIdsOf(place, hour);
  }

  /** Takes the next windows and returns the parts that they complete. */
  add(windows: Iterable<Window>): Buffer[] {
    const whole: Buffer[] = [];
    for (const window of windows) {
      const [first] = this.group;
      if (first && !isSame(first, window)) whole.push(...this.endGroup());
      this.group.push(window);
    }
    return whole;
  }

  /** The last part, and the closed marker, which says that all parts have been written. */
  end(): Publication {
    const parts = [...this.endGroup(), ...this.endPart()];
    const { topic, epoch, partition } = this.place;
    return {
      parts,
      marker: {
        topic,
        epoch,
        partition,
        reportedHour: this.hour,
        parts: this.parts,
        digest: this.digest.digest('hex'),
      },
    };
  }

  private endGroup(): Buffer[] {
    const { group } = this;
    if (group.length === 0) return [];
    this.group = [];
    const aggregate = this.aggregateOf(group);
    const text = textOf(aggregate);
    const isFull = this.aggregates.length >= MOST_AGGREGATES || this.text + text > MOST_TEXT;
    const whole = isFull ? this.endPart() : [];
    this.aggregates.push(aggregate);
    this.text += text;
    return whole;
  }

  private endPart(): Buffer[] {
    const { aggregates, hour: reportedHour } = this;
    if (aggregates.length === 0) return [];
    const { topic, epoch, partition } = this.place;
    const part = this.parts++;
    const bytes = this.encode({ topic, epoch, partition, reportedHour, part, aggregates });
    this.aggregates = [];
    this.text = 0;
    this.digest.update(bytes);
    return [bytes];
  }

  /** The sum of the windows of one subscription, meter and resource. */
  private aggregateOf(group: readonly Window[]): UsageAggregate {
    const first = group.reduce((a, b) => (b.firstOffset < a.firstOffset ? b : a));
    const earliestHour = group.reduce((a, b) => (b.usageHour < a.usageHour ? b : a)).usageHour;
    const latestHour = group.reduce((a, b) => (b.usageHour > a.usageHour ? b : a)).usageHour;
    return {
      aggregateId: this.idOf(first),
      subscriptionId: first.subscriptionId,
      meterId: first.meterId,
      resourceUri: first.resourceUri,
      quantity: group.map((window) => window.quantity).reduce(addQuantities),
      eventCount: group.reduce((sum, window) => sum + window.eventCount, 0),
      firstUsageTime: earliestHour,
      lastUsageTime: nextHour(latestHour, this.place.source.hourMillis),
      usageMonths: monthsOf(group, earliestHour, latestHour),
      location: first.location,
      tags: first.tags,
      additionalInfo: first.additionalInfo,
    };
  }
}

const textOf = (aggregate: UsageAggregate): number =>
  TEXT_NAMES.reduce((sum, name) => sum + (aggregate[name]?.length ?? 0), 0);

/** Nearly always one month holds it all, which goes without saying. */
const monthsOf = (group: readonly Window[], earliest: Hour, latest: Hour): UsageMonths =>
  earliest === latest || usageMonthOf(earliest) === usageMonthOf(latest)
    ? []
    : sumOfMonths(
        group.map(({ usageHour, quantity }) => ({ month: usageMonthOf(usageHour), quantity })),
      );
