import { QUANTITY_LIMIT, type Quantity } from '../../model/decimal.ts';

/**
 * Quantities as eight numbers of 32 bits, the lowest first. This is the binary form of ClickHouse's
 * `Decimal(76, 30)`, and needs no object for each event.
 */
export const LIMBS = 8;

/** The most bytes that a quantity below the limit takes in its shortest form. */
const MAX_BYTES = 19;

const limbsOf = (value: bigint): Uint32Array =>
  Uint32Array.from({ length: LIMBS }, (_, n) => Number((value >> BigInt(32 * n)) & 0xffffffffn));

const LIMIT = limbsOf(QUANTITY_LIMIT);

/**
 * Reads a big-endian two's complement number. Returns false if it is not the shortest form of a number from
 * 0 up to the limit. Then the content of `into` is undefined.
 */
export const readQuantity = (
  bytes: Buffer,
  at: number,
  length: number,
  into: Uint32Array,
): boolean => {
  if (length < 1 || length > MAX_BYTES) return false;
  const first = bytes[at] ?? 0;
  if (first >= 0x80) return false; // below zero
  if (first === 0 && length > 1 && (bytes[at + 1] ?? 0) < 0x80) return false; // not the shortest
  let end = at + length;
  for (let limb = 0; limb < LIMBS; limb++) {
    let word = 0;
    for (let shift = 0; shift < 32 && end > at; shift += 8) word |= (bytes[--end] ?? 0) << shift;
    into[limb] = word;
  }
  return isBelow(into, LIMIT);
};

const isBelow = (a: Uint32Array, b: Uint32Array): boolean => {
  for (let limb = LIMBS - 1; limb >= 0; limb--) {
    const [left, right] = [a[limb] ?? 0, b[limb] ?? 0];
    if (left !== right) return left < right;
  }
  return false;
};

/** Adds a quantity to the sum at position `at` of `sums`. */
export const addLimbs = (sums: Uint32Array, at: number, quantity: Uint32Array): void => {
  let carry = 0;
  for (let limb = 0; limb < LIMBS; limb++) {
    const sum = (sums[at + limb] ?? 0) + (quantity[limb] ?? 0) + carry;
    sums[at + limb] = sum; // its lowest 32 bits
    carry = sum > 0xffffffff ? 1 : 0;
  }
};

export const writeQuantity = (quantity: Quantity, into: Uint32Array): void => {
  into.set(limbsOf(quantity));
};

export const quantityOf = (limbs: Uint32Array, at = 0): Quantity => {
  let value = 0n;
  for (let limb = LIMBS - 1; limb >= 0; limb--)
    value = (value << 32n) | BigInt(limbs[at + limb] ?? 0);
  return BigInt.asIntN(256, value) as Quantity;
};
