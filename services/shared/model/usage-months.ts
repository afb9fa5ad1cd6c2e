import { z } from 'zod';
import { addQuantities, formatQuantity, parseQuantity, ZERO, type Quantity } from './decimal.ts';
import { isoText, type Millis } from './time.ts';

/** A quantity, and the month in which it was used: `2026-11`, in UTC. */
export interface UsageMonth {
  readonly month: string;
  readonly quantity: Quantity;
}

/** The parts of a quantity, in the order of their months. They add up to it. None is zero. */
export type UsageMonths = readonly UsageMonth[];

/** The month that holds an instant, in UTC. */
export const usageMonthOf = (instant: Millis): string => isoText(instant).slice(0, 7);

/** Adds up parts by month. */
export const sumOfMonths = (parts: Iterable<UsageMonth>): UsageMonths => {
  const sums = new Map<string, Quantity>();
  for (const { month, quantity } of parts) {
    sums.set(month, addQuantities(sums.get(month) ?? ZERO, quantity));
  }
  return [...sums]
    .filter(([, quantity]) => quantity !== 0n)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([month, quantity]) => ({ month, quantity }));
};

export const totalOfMonths = (months: UsageMonths): Quantity =>
  months.map(({ quantity }) => quantity).reduce(addQuantities, ZERO);

/** By month, as ClickHouse and JSON take them: exact decimals as text. */
export const monthsRecord = (months: UsageMonths): Readonly<Record<string, string>> =>
  Object.fromEntries(months.map(({ month, quantity }) => [month, formatQuantity(quantity)]));

/** A month, written as `2026-11`. */
export const MONTH = /^\d{4}-(?:0[1-9]|1[0-2])$/;

/** Reads what `monthsRecord` has made. */
export const monthsSchema = z
  .record(z.string().regex(MONTH), z.string())
  .transform((record, context): UsageMonths => {
    const parts = Object.entries(record).map(([month, text]) => ({
      month,
      quantity: parseQuantity(text),
    }));
    if (parts.every((part): part is UsageMonth => part.quantity !== null)) {
      return sumOfMonths(parts);
    }
    context.addIssue({ code: 'custom', message: 'must be decimals by month' });
    return z.NEVER;
  });
