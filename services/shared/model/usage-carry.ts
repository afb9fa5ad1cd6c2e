import { z } from 'zod';
import { formatQuantity, parseQuantity, type Quantity } from './decimal.ts';
import type { SourcePartition } from './source.ts';

/**
 * The content of a `carry` control record: a quantity that Commerce no longer accepts moves into the next
 * composition of this source partition. The record is signed for the source partition and is on the same
 * partition of the aggregates topic as its aggregates. So all readers of that partition see the same first
 * carry of a submission. Later carries of it do not count.
 */
export interface UsageCarry extends SourcePartition {
  /** The submission whose quantity this is. */
  readonly submissionId: string;
  readonly resourceUri: string;
  readonly dimension: string;
  readonly quantity: Quantity;
}

const carrySchema = z.strictObject({
  topic: z.string(),
  epoch: z.int().positive(),
  partition: z.int().nonnegative(),
  submissionId: z.uuid().toLowerCase(),
  resourceUri: z.string().min(1),
  dimension: z.string().min(1),
  quantity: z.string(),
});

export const serializeUsageCarry = (carry: UsageCarry): string =>
  JSON.stringify({ ...carry, quantity: formatQuantity(carry.quantity) });

/** Reads the body of a carry record; null if the text is not one. */
export const parseUsageCarry = (text: string): UsageCarry | null => {
  try {
    const body = carrySchema.parse(JSON.parse(text));
    const quantity = parseQuantity(body.quantity);
    return quantity === null || quantity <= 0n ? null : { ...body, quantity };
  } catch {
    return null;
  }
};
