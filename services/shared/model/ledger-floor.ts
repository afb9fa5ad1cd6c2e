import { z } from 'zod';
import type { Millis } from './time.ts';

/**
 * The body of a `floor` control record, which trims the ledger. From then on, usage that started before the
 * floor is refused, because the ledger no longer knows what was counted.
 */
const floorSchema = z.strictObject({ floor: z.int().nonnegative() });

export const serializeFloor = (floor: Millis): string => JSON.stringify({ floor });

/** Reads the body of a floor record, an instant in milliseconds; null if the text is not one. */
export const parseFloor = (text: string): Millis | null => {
  try {
    return floorSchema.parse(JSON.parse(text)).floor as Millis;
  } catch {
    return null;
  }
};
