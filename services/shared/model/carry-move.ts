import { z } from 'zod';
import type { SourcePartition } from './source.ts';

/**
 * The content of a `moved` control record: the carry of a submission that waits in this source partition
 * goes to another one, because no later hour of this one will take it. The record is signed for this source
 * partition and is on its partition of the aggregates topic. So all readers see the same first move, and two
 * bridges that know different registers cannot move a carry to two places.
 */
export interface CarryMove extends SourcePartition {
  readonly submissionId: string;
  /** How often the carry was moved before: the move is of that stop alone. */
  readonly moves: number;
  readonly to: SourcePartition;
}

const place = {
  topic: z.string().min(1),
  epoch: z.int().positive(),
  partition: z.int().nonnegative(),
};

const moveSchema = z.strictObject({
  ...place,
  submissionId: z.uuid().toLowerCase(),
  moves: z.int().nonnegative(),
  to: z.strictObject(place),
});

export const serializeCarryMove = (move: CarryMove): string => JSON.stringify(move);

/** Reads the body of a `moved` record; null if the text is not one. */
export const parseCarryMove = (text: string): CarryMove | null => {
  try {
    return moveSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
};
