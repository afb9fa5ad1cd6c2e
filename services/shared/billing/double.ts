import {
  formatQuantity,
  parseQuantity,
  quantityToNumber,
  type Quantity,
} from '../model/decimal.ts';

/**
 * Azure's metering service keeps quantities as IEEE doubles (docs/azure.md, "Usage event"). It answers with
 * the double of what it was sent, in any decimal text of that double: `9.1234567890123461` and
 * `9.123456789012346` are the same. It has accepted our quantity if it holds the same double.
 */
export const isSameDouble = (quantity: Quantity, held: number): boolean =>
  quantityToNumber(quantity) === held;

const PLACES = 30;

/**
 * The exact value of a double's shortest decimal text. Digits beyond the 30th place are rounded. Doubles of
 * our quantities have none, because their shortest text is never longer than ours.
 */
export const quantityFromDouble = (value: number): Quantity => {
  const quantity = parseQuantity(String(value)) ?? parseQuantity(value.toFixed(PLACES));
  if (quantity === null) throw new Error(`${String(value)} is no finite number`);
  return quantity;
};

/** A double for people: its shortest decimal text, without an exponent if possible. */
export const doubleText = (value: number): string => {
  const quantity = parseQuantity(String(value));
  return quantity === null ? String(value) : formatQuantity(quantity);
};
