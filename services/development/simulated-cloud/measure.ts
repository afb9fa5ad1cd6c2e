import { QUANTITY_SCALE, type Quantity } from '../../shared/model/decimal.ts';

/** What a meter counts of one resource while nothing about it changes. */
export interface Measure {
  readonly meterId: string;
  /** How much there is in a full hour, in raw units: cores, bytes, requests. */
  readonly perHour: bigint;
  /** How many raw units are one unit of the meter. */
  readonly perUnit: bigint;
  /** Requests and bytes come whole. What is held for a time is counted to the millisecond. */
  readonly isWhole: boolean;
}

/** Something that is held: half an hour of it counts half. */
export const held = (meterId: string, amount: number | bigint, perUnit = 1): Measure => ({
  meterId,
  perHour: BigInt(amount),
  perUnit: BigInt(perUnit),
  isWhole: false,
});

/** Something that happens so many times in a full hour. */
export const happening = (meterId: string, times: number | bigint, perUnit: number): Measure => ({
  meterId,
  perHour: BigInt(times),
  perUnit: BigInt(perUnit),
  isWhole: true,
});

const ONE = 10n ** BigInt(QUANTITY_SCALE);

/**
 * The quantity that has come together since the start of an hour, given the sum of `perHour` times
 * milliseconds. A decimal that does not end is cut after 30 places. Usage is the difference between two of
 * these, so slices of an hour always add up to the hour, to the last digit.
 */
export const quantityUpTo = (
  { perUnit, isWhole }: Measure,
  sum: bigint,
  hourMillis: number,
): Quantity => {
  const hour = BigInt(hourMillis);
  return (isWhole ? ((sum / hour) * ONE) / perUnit : (sum * ONE) / (hour * perUnit)) as Quantity;
};
