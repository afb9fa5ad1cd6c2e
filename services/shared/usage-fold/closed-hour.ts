import { createHash } from 'node:crypto';
import { addQuantities } from '../model/decimal.ts';
import { nextHour, type Hour } from '../model/time.ts';
import { sumOfMonths, usageMonthOf, type UsageMonths } from '../model/usage-months.ts';
import {
  usageAggregateId,
  type ClosedMarker,
  type UsageAggregate,
} from '../model/usage-aggregate.ts';
import type { Window } from './window.ts';
import type { Place } from './place.ts';

/**
 * What is published for a closed hour. It is a pure function of the hour, so it can be published again.
 */
export interface Publication {
  readonly aggregates: readonly Buffer[];
  readonly marker: ClosedMarker;
}

const identityOf = ({ subscriptionKey, meterKey, resourceKey }: Window): string =>
  `${subscriptionKey}\0${meterKey}\0${resourceKey}`;

/** Windows in the byte order of their keys, which is also ClickHouse's order. */
export const inKeyOrder = (windows: Iterable<Window>): Window[] =>
  [...windows]
    .map((window) => ({ window, key: Buffer.from(identityOf(window)) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ window }) => window);

/**
 * Builds the publication of an hour, part by part, from its windows in the order of their keys: one
 * aggregate for each (subscription, meter, resource), summed over usage hours.
 */
export class HourPublication {
  private readonly place: Place;
  private readonly hour: Hour;
  private readonly encode: (aggregate: UsageAggregate) => Buffer;
  private readonly digest = createHash('sha256');
  private count = 0;
  /** The windows of the last identity so far: more may follow. */
  private group: Window[] = [];

  constructor(place: Place, hour: Hour, encode: (aggregate: UsageAggregate) => Buffer) {
    this.place = place;
    this.hour = hour;
    this.encode = encode;
  }

  /** Takes the next windows and returns the aggregates that they complete. */
  add(windows: readonly Window[]): Buffer[] {
    const whole: Buffer[] = [];
    for (const window of windows) {
      const [first] = this.group;
      if (first && identityOf(first) !== identityOf(window)) whole.push(...this.endGroup());
      this.group.push(window);
    }
    return whole;
  }

  /** The last aggregate, and the closed marker, which says that all aggregates have been written. */
  end(): Publication {
    const aggregates = this.endGroup();
    const { topic, epoch, partition } = this.place;
    return {
      aggregates,
      marker: {
        topic,
        epoch,
        partition,
        reportedHour: this.hour,
        count: this.count,
        digest: this.digest.digest('hex'),
      },
    };
  }

  private endGroup(): Buffer[] {
    if (this.group.length === 0) return [];
    const bytes = this.encode(aggregateOf(this.place, this.hour, this.group));
    this.group = [];
    this.count++;
    this.digest.update(bytes);
    return [bytes];
  }
}

/** The sum of the windows of one subscription, meter and resource. */
const aggregateOf = (
  place: Place,
  reportedHour: Hour,
  group: readonly Window[],
): UsageAggregate => {
  const first = group.reduce((a, b) => (b.firstOffset < a.firstOffset ? b : a));
  const earliestHour = group.reduce((a, b) => (b.usageHour < a.usageHour ? b : a)).usageHour;
  const latestHour = group.reduce((a, b) => (b.usageHour > a.usageHour ? b : a)).usageHour;
  return {
    aggregateId: usageAggregateId(place, reportedHour, first),
    topic: place.topic,
    epoch: place.epoch,
    partition: place.partition,
    reportedHour,
    subscriptionId: first.subscriptionId,
    meterId: first.meterId,
    resourceUri: first.resourceUri,
    quantity: group.map((window) => window.quantity).reduce(addQuantities),
    eventCount: group.reduce((sum, window) => sum + window.eventCount, 0),
    firstUsageTime: earliestHour,
    lastUsageTime: nextHour(latestHour, place.source.hourMillis),
    usageMonths: monthsOf(group, earliestHour, latestHour),
    location: first.location,
    tags: first.tags,
    additionalInfo: first.additionalInfo,
  };
};

/** Nearly always one month holds it all, which goes without saying. */
const monthsOf = (group: readonly Window[], earliest: Hour, latest: Hour): UsageMonths =>
  earliest === latest || usageMonthOf(earliest) === usageMonthOf(latest)
    ? []
    : sumOfMonths(
        group.map(({ usageHour, quantity }) => ({ month: usageMonthOf(usageHour), quantity })),
      );
