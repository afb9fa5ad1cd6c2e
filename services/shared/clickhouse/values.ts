import { parseQuantity, type Quantity } from '../model/decimal.ts';
import type { Hour } from '../model/time.ts';
import { sumOfMonths, type UsageMonths } from '../model/usage-months.ts';

/** A DateTime, which ClickHouse gives in seconds. */
export const hourFromSeconds = (seconds: number): Hour => (seconds * 1000) as Hour;

/** An instant, as ClickHouse reads a DateTime64(3): a decimal text of seconds. */
export const secondsFromMillis = (millis: number): string => (millis / 1000).toFixed(3);

/** A decimal, which ClickHouse gives as text. */
export const quantityFromText = (text: string): Quantity => {
  const quantity = parseQuantity(text);
  if (quantity === null) throw new Error(`ClickHouse gave "${text}" as a quantity`);
  return quantity;
};

/** Quantities by month, which ClickHouse gives as texts by month. */
export const monthsFromRecord = (record: Readonly<Record<string, string>>): UsageMonths =>
  sumOfMonths(
    Object.entries(record).map(([month, text]) => ({ month, quantity: quantityFromText(text) })),
  );
