import { formatQuantity } from '../model/decimal.ts';
import { quantityFromDouble } from './double.ts';

/**
 * If several outcomes of a submission are recorded, the one with the highest rank counts: an alarm stays,
 * and outcomes from Commerce rank above outcomes that were decided without it.
 */
export const OUTCOME_RANKS = {
  'dead-lettered': 1,
  carried: 2,
  duplicate: 3,
  accepted: 4,
  mismatch: 5,
} as const;

/** The limit of the column: less than 10^46. */
const LIMIT = 1e46;

/** What Commerce holds, as the column takes it. Null if it cannot hold the quantity. */
export const acceptedText = (accepted: number | null): string | null =>
  accepted === null || Math.abs(accepted) >= LIMIT
    ? null
    : formatQuantity(quantityFromDouble(accepted));
