import { z } from 'zod';
import type { Quantity } from './decimal.ts';
import { partitionName, type SourcePartition } from './source.ts';
import { isoText, type Hour, type Millis } from './time.ts';
import { uuidOf } from './usage-event.ts';
import { usageMonthOf, type UsageMonths } from './usage-months.ts';

/** One resource's consumption of one meter in one closed reported hour of a source partition. */
export interface UsageAggregate {
  /** 16 bytes: a UUIDv5, see `usageAggregateId`. */
  readonly aggregateId: Uint8Array;
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

/**
 * Some aggregates of one closed hour of a source partition: what one record of the aggregates topic holds. An hour is
 * always cut into the same parts, so one that is published again has the same bytes.
 */
export interface HourPart extends SourcePartition {
  readonly reportedHour: Hour;
  /** Its place among the parts of the hour, from 0. */
  readonly part: number;
  readonly aggregates: readonly UsageAggregate[];
}

/** The quantity of an aggregate by month of usage. */
export const monthsOf = (
  aggregate: Pick<UsageAggregate, 'firstUsageTime' | 'quantity' | 'usageMonths'>,
): UsageMonths => {
  const { firstUsageTime, quantity, usageMonths } = aggregate;
  if (usageMonths.length > 0) return usageMonths;
  return quantity === 0n ? [] : [{ month: usageMonthOf(firstUsageTime), quantity }];
};

interface AggregateIdentity {
  readonly subscriptionKey: string;
  readonly meterKey: string;
  readonly resourceKey: string;
}

/** The id is deterministic, so that an hour that is published again has the same ids. */
export const usageAggregateId = (
  at: SourcePartition,
  reportedHour: Hour,
  identity: AggregateIdentity,
): Uint8Array => aggregateIdsOf(at, reportedHour)(identity);

/** `usageAggregateId` for one hour of a source partition. */
export const aggregateIdsOf = (
  at: SourcePartition,
  reportedHour: Hour,
): ((identity: AggregateIdentity) => Uint8Array) => {
  const [partition, hour] = [partitionName(at), isoText(reportedHour)];
  return ({ subscriptionKey, meterKey, resourceKey }) =>
    uuidOf(['aggregate', partition, hour, subscriptionKey, meterKey, resourceKey]);
};

/** The Kafka key of everything published for a source partition, so that it all goes to one partition. */
export const aggregateKey = (at: SourcePartition): string => partitionName(at);

/**
 * The content of an hour's closed marker: a control record of kind `closed`, signed for the source
 * partition, after the last part of the hour. The hour is complete if its parts are there and the digest matches.
 */
export interface ClosedMarker extends SourcePartition {
  readonly reportedHour: Hour;
  /** The number of parts of the hour. An empty hour has none, and a marker too. */
  readonly parts: number;
  /** SHA-256, in hexadecimal, over the values of the hour's parts, in order and each one once. */
  readonly digest: string;
}

const markerSchema = z.strictObject({
  topic: z.string(),
  epoch: z.int().positive(),
  partition: z.int().nonnegative(),
  reportedHour: z.int(),
  parts: z.int().nonnegative(),
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
