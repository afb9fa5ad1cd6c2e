import { z } from 'zod';
import { formatQuantity, parseQuantity, type Quantity } from './decimal.ts';
import type { SourcePartition } from './source.ts';

/**
 * What a `carry` control record says: a quantity that Commerce would not take any more moves into the
 * next composition of this source partition. It is signed for the source partition and is on the
 * partition of the aggregates topic where that one's aggregates are, so all who read that partition
 * see the same first carry of a submission; later ones do not count.
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

/** Reads the body of a carry record; null where the text is not one. */
export const parseUsageCarry = (text: string): UsageCarry | null => {
  try {
    const body = carrySchema.parse(JSON.parse(text));
    const quantity = parseQuantity(body.quantity);
    return quantity === null || quantity <= 0n ? null : { ...body, quantity };
  } catch {
    return null;
  }
};
