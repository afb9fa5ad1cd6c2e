import {
  parseQuantity,
  quantityFromNumber,
  type Quantity,
} from '../../../services/shared/model/decimal.ts';
import type { Random } from './random.ts';

export const quantityOf = (text: string): Quantity => {
  const quantity = parseQuantity(text);
  if (quantity === null) throw new Error(`${text} is no quantity`);
  return quantity;
};

/**
 * Quantities that go wrong where somebody counts in doubles, in 128 bits, or rounds: what Azure
 * Stack Hub really reported, one byte for an hour in GB×month, and both ends of what is allowed.
 */
const AWKWARD: readonly Quantity[] = [
  '0',
  '1',
  '0.1',
  '0.2',
  '0.3',
  '2.4e-09',
  '1.25e-12',
  '8.381903171539307e-08',
  '16.461425899527967',
  '0.000000000000000000000000000001',
  '127.5',
  '128',
  '255.999999999999999999999999999999',
  '562949953421313.0625',
  '70368744177664.000000000000000000000000000001',
  '999999999999999.999999999999999999999999999999',
].map(quantityOf);

/** A digit string no double can hold: 15 digits before the point and 30 after it. */
const longDecimal = (random: Random): Quantity => {
  const digits = (count: number): string =>
    Array.from({ length: count }, () => String(random.below(10))).join('');
  return quantityOf(`${digits(1 + random.below(15))}.${digits(30)}`);
};

/** A double as meters report it, between 1e-9 and 1e4. */
const meteredDouble = (random: Random): Quantity =>
  // Doubles this small have more than 30 decimals now and then; what a provider cannot send is not sent.
  quantityFromNumber(random.fraction() * 10 ** (random.below(14) - 9)) ?? quantityOf('1');

const wholeNumber = (random: Random): Quantity => quantityOf(String(random.below(64)));

/** Valid quantities: mostly ordinary, often enough awkward. */
export const someQuantity = (random: Random): Quantity => {
  const draw = random.below(10);
  if (draw < 5) return meteredDouble(random);
  if (draw < 7) return wholeNumber(random);
  return draw < 9 ? random.pick(AWKWARD) : longDecimal(random);
};
