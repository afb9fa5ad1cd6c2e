import {
  formatQuantity,
  parseQuantity,
  quantityToNumber,
  type Quantity,
} from '../model/decimal.ts';

/**
 * Azure's metering service keeps quantities as IEEE doubles (docs/azure.md, "Usage event"), so what it answers is
 * the double of what it was sent, in any text that names it: `9.1234567890123461` and
 * `9.123456789012346` are the same. It has accepted our quantity if it holds the same double.
 */
export const isSameDouble = (quantity: Quantity, held: number): boolean =>
  quantityToNumber(quantity) === held;

const PLACES = 30;

/**
 * The exact value of a double's shortest decimal text; a digit beyond the 30th place is rounded.
 * No double of a quantity of ours has one: its shortest text is never longer than ours.
 */
export const quantityFromDouble = (value: number): Quantity => {
  const quantity = parseQuantity(String(value)) ?? parseQuantity(value.toFixed(PLACES));
  if (quantity === null) throw new Error(`${String(value)} is no finite number`);
  return quantity;
};

/** A double as people read it: its shortest decimal text, without an exponent where that fits. */
export const doubleText = (value: number): string => {
  const quantity = parseQuantity(String(value));
  return quantity === null ? String(value) : formatQuantity(quantity);
};
