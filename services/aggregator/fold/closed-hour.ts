import { createHash } from 'node:crypto';
import { addQuantities } from '../../shared/decimal.ts';
import { nextHour } from '../../shared/time.ts';
import {
  usageAggregateId,
  type ClosedMarker,
  type UsageAggregate,
} from '../../shared/usage-aggregate.ts';
import type { ClosedHour } from './fold.ts';
import type { Window } from './window.ts';
import type { Place } from './verdict.ts';

/** What is published for a closed hour. A pure function of the hour, so it can be published again. */
export interface Publication {
  readonly aggregates: readonly Buffer[];
  readonly marker: ClosedMarker;
}

/** One aggregate for each (subscription, meter, resource), summed over usage hours, in key order. */
export const aggregatesOf = (place: Place, { hour, windows }: ClosedHour): UsageAggregate[] => {
  const groups = new Map<string, Window[]>();
  for (const window of windows) {
    const key = `${window.subscriptionKey}\0${window.meterKey}\0${window.resourceKey}`;
    const group = groups.get(key);
    if (group) group.push(window);
    else groups.set(key, [window]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]) => aggregateOf(place, hour, group));
};

const aggregateOf = (
  place: Place,
  reportedHour: ClosedHour['hour'],
  group: readonly Window[],
): UsageAggregate => {
  const first = group.reduce((a, b) => (b.firstOffset < a.firstOffset ? b : a));
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
    firstUsageTime: group.reduce((a, b) => (b.usageHour < a.usageHour ? b : a)).usageHour,
    lastUsageTime: nextHour(latestHour, place.source.hourMillis),
    location: first.location,
    tags: first.tags,
    additionalInfo: first.additionalInfo,
  };
};

export const publicationOf = (
  place: Place,
  closed: ClosedHour,
  encode: (aggregate: UsageAggregate) => Buffer,
): Publication => {
  const digest = createHash('sha256');
  const aggregates = aggregatesOf(place, closed).map((aggregate) => {
    const bytes = encode(aggregate);
    digest.update(bytes);
    return bytes;
  });
  const { topic, epoch, partition } = place;
  return {
    aggregates,
    marker: {
      topic,
      epoch,
      partition,
      reportedHour: closed.hour,
      count: aggregates.length,
      digest: digest.digest('hex'),
    },
  };
};
