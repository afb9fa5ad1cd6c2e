import { parseQuantity, type Quantity } from '../model/decimal.ts';
import type { Hour } from '../model/time.ts';

/** A DateTime, which ClickHouse gives in seconds. */
export const hourFromSeconds = (seconds: number): Hour => (seconds * 1000) as Hour;

/** A decimal, which ClickHouse gives as text. */
export const quantityFromText = (text: string): Quantity => {
  const quantity = parseQuantity(text);
  if (quantity === null) throw new Error(`ClickHouse gave "${text}" as a quantity`);
  return quantity;
};
