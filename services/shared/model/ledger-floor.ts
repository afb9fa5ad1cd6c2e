import { z } from 'zod';
import type { Millis } from './time.ts';

/**
 * The body of a `floor` control record: a trim of the ledger. Usage that started before the floor is
 * refused from then on, whatever its history, because the ledger no longer tells what was counted.
 */
const floorSchema = z.strictObject({ floor: z.int().nonnegative() });

export const serializeFloor = (floor: Millis): string => JSON.stringify({ floor });

/** Reads the body of a floor record, an instant in milliseconds; null where the text is not one. */
export const parseFloor = (text: string): Millis | null => {
  try {
    return floorSchema.parse(JSON.parse(text)).floor as Millis;
  } catch {
    return null;
  }
};
