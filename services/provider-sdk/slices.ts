import type { Quantity } from '../shared/model/decimal.ts';
import { DEFAULT_MAX_USAGE_AGE_MILLIS } from '../shared/model/rules.ts';
import { HOUR_MILLIS, hourOf, nextHour, type Millis } from '../shared/model/time.ts';

/** A quantity that was used from one instant to before another. */
export interface Slice {
  readonly from: Millis;
  readonly to: Millis;
  readonly quantity: Quantity;
}

/**
 * The most hours that one usage may touch: as many as 45 days have, and one more. Of longer usage the first
 * hours would be too old to be counted.
 */
export const MAX_HOURS = DEFAULT_MAX_USAGE_AGE_MILLIS / HOUR_MILLIS + 1;

/** The number of hours that hold a part of a period. */
export const hoursTouched = (from: Millis, to: Millis, hourMillis: number): number =>
  (hourOf((to - 1) as Millis, hourMillis) - hourOf(from, hourMillis)) / hourMillis + 1;

/** What was used before an instant, rounded down to 30 decimals. At the end it is everything. */
const usedBefore = ({ from, to, quantity }: Slice, end: Millis): bigint =>
  (quantity * BigInt(end - from)) / BigInt(to - from);

/**
 * Cuts a usage at the hours that it crosses. Each part is in proportion to its length, to the last of 30
 * decimals, and the parts add up to the whole exactly.
 */
export const sliceByHours = (whole: Slice, hourMillis: number): readonly Slice[] => {
  const slices: Slice[] = [];
  let { from } = whole;
  let before = 0n;
  while (from < whole.to) {
    const end = nextHour(hourOf(from, hourMillis), hourMillis);
    const to = end < whole.to ? end : whole.to;
    const upTo = usedBefore(whole, to);
    slices.push({ from, to, quantity: (upTo - before) as Quantity });
    from = to;
    before = upTo;
  }
  return slices;
};
