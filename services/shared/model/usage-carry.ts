import { z } from 'zod';
import { formatQuantity, parseQuantity, type Quantity } from './decimal.ts';
import type { SourcePartition } from './source.ts';
import type { Hour } from './time.ts';
import { monthsRecord, monthsSchema, totalOfMonths, type UsageMonths } from './usage-months.ts';

/** Why a quantity is carried: Commerce accepts it no more, its meter is known now, or a person asked for it. */
export const CARRY_REASONS = ['expired', 'released', 'resubmitted'] as const;
export type CarryReason = (typeof CARRY_REASONS)[number];

/** The submission whose quantity is carried, as it was composed. */
export interface CarriedFrom extends SourcePartition {
  readonly hour: Hour;
}

/**
 * The content of a `carry` control record: a quantity that Commerce will not accept for its own hour moves
 * into the next composition of this source partition. The record is signed for the source partition and is
 * on the same partition of the aggregates topic as its aggregates. So all readers of that partition see the
 * same first carry of a submission. Later carries of it do not count.
 */
export interface UsageCarry extends SourcePartition {
  /** The submission whose quantity this is. */
  readonly submissionId: string;
  /** Where it was composed. Another source partition if the carry was moved since. */
  readonly from: CarriedFrom;
  /** How often it was moved on. It may come back to a source partition where it was before. */
  readonly moves: number;
  readonly reason: CarryReason;
  readonly resourceUri: string;
  readonly subscriptionId: string;
  readonly location: string;
  readonly dimension: string;
  readonly meters: readonly string[];
  readonly quantity: Quantity;
  readonly months: UsageMonths;
}

/** A submission, as far as a carry takes it along. */
export interface Carriable {
  readonly at: SourcePartition;
  readonly hour: Hour;
  readonly submission: Omit<
    UsageCarry,
    keyof SourcePartition | 'from' | 'moves' | 'reason' | 'months'
  > & {
    readonly usageMonths: UsageMonths;
  };
}

/** The carry of a submission, in the log of its own source partition. */
export const carryOf = ({ at, hour, submission }: Carriable, reason: CarryReason): UsageCarry => {
  const { topic, epoch, partition } = at;
  const { submissionId, resourceUri, subscriptionId, location, dimension, meters } = submission;
  return {
    topic,
    epoch,
    partition,
    submissionId,
    from: { topic, epoch, partition, hour },
    moves: 0,
    reason,
    resourceUri,
    subscriptionId,
    location,
    dimension,
    meters,
    quantity: submission.quantity,
    months: submission.usageMonths,
  };
};

const place = {
  topic: z.string(),
  epoch: z.int().positive(),
  partition: z.int().nonnegative(),
};

const carrySchema = z.strictObject({
  ...place,
  submissionId: z.uuid().toLowerCase(),
  from: z.strictObject({ ...place, hour: z.int().nonnegative() }),
  moves: z.int().nonnegative(),
  reason: z.enum(CARRY_REASONS),
  resourceUri: z.string().min(1),
  subscriptionId: z.string(),
  location: z.string(),
  dimension: z.string().min(1),
  meters: z.array(z.string()),
  quantity: z.string(),
  months: monthsSchema,
});

export const serializeUsageCarry = (carry: UsageCarry): string =>
  JSON.stringify({
    ...carry,
    quantity: formatQuantity(carry.quantity),
    months: monthsRecord(carry.months),
  });

/** Reads the body of a carry record; null if the text is not one. */
export const parseUsageCarry = (text: string): UsageCarry | null => {
  try {
    const body = carrySchema.parse(JSON.parse(text));
    const quantity = parseQuantity(body.quantity);
    if (quantity === null || quantity <= 0n || totalOfMonths(body.months) !== quantity) return null;
    return { ...body, from: { ...body.from, hour: body.from.hour as Hour }, quantity };
  } catch {
    return null;
  }
};
