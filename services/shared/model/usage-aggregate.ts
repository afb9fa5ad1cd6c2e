import { z } from 'zod';
import type { Quantity } from './decimal.ts';
import { partitionName, type SourcePartition } from './source.ts';
import { isoText, type Hour, type Millis } from './time.ts';
import { uuidOf } from './usage-event.ts';
import { usageMonthOf, type UsageMonths } from './usage-months.ts';

/** One resource's consumption of one meter in one closed reported hour of a source partition. */
export interface UsageAggregate extends SourcePartition {
  /** 16 bytes: a UUIDv5, see `usageAggregateId`. */
  readonly aggregateId: Uint8Array;
  readonly reportedHour: Hour;
  readonly subscriptionId: string;
  readonly meterId: string;
  readonly resourceUri: string;
  readonly quantity: Quantity;
  /** The number of accepted events in it. */
  readonly eventCount: number;
  /** The start of its earliest usage hour. */
  readonly firstUsageTime: Millis;
  /** The end of its latest usage hour, exclusive. */
  readonly lastUsageTime: Millis;
  /** Its quantity by month; empty if all of it was used in the month of `firstUsageTime`. */
  readonly usageMonths: UsageMonths;
  readonly location: string;
  readonly tags: string | null;
  readonly additionalInfo: string | null;
}

/** The quantity of an aggregate by month of usage. */
export const monthsOf = (
  aggregate: Pick<UsageAggregate, 'firstUsageTime' | 'quantity' | 'usageMonths'>,
): UsageMonths => {
  const { firstUsageTime, quantity, usageMonths } = aggregate;
  if (usageMonths.length > 0) return usageMonths;
  return quantity === 0n ? [] : [{ month: usageMonthOf(firstUsageTime), quantity }];
};

/** The id is deterministic, so that an hour that is published again has the same ids. */
export const usageAggregateId = (
  at: SourcePartition,
  reportedHour: Hour,
  identity: {
    readonly subscriptionKey: string;
    readonly meterKey: string;
    readonly resourceKey: string;
  },
): Uint8Array =>
  uuidOf([
    'aggregate',
    partitionName(at),
    isoText(reportedHour),
    identity.subscriptionKey,
    identity.meterKey,
    identity.resourceKey,
  ]);

/** The Kafka key of everything published for a source partition, so that it all goes to one partition. */
export const aggregateKey = (at: SourcePartition): string => partitionName(at);

/**
 * The content of an hour's closed marker: a control record of kind `closed`, signed for the source
 * partition, after the last aggregate of the hour. The hour is complete if count and digest match.
 */
export interface ClosedMarker extends SourcePartition {
  readonly reportedHour: Hour;
  /** The number of aggregates of the hour. An empty hour has a marker too. */
  readonly count: number;
  /** SHA-256, in hexadecimal, over the values of the hour's aggregates, in order and each one once. */
  readonly digest: string;
}

const markerSchema = z.strictObject({
  topic: z.string(),
  epoch: z.int().positive(),
  partition: z.int().nonnegative(),
  reportedHour: z.int(),
  count: z.int().nonnegative(),
  digest: z.string(),
});

export const serializeClosedMarker = (marker: ClosedMarker): string => JSON.stringify(marker);

/** Reads the body of a closed marker; null if the text is not one. */
export const parseClosedMarker = (text: string): ClosedMarker | null => {
  try {
    return markerSchema.parse(JSON.parse(text)) as unknown as ClosedMarker;
  } catch {
    return null;
  }
};
