/**
 * Quantities are exact decimals with 30 decimal places, held as a bigint count of 1e-30. In Avro they are
 * `bytes` with the shortest big-endian two's complement; in ClickHouse `Decimal(76, 30)`; in JSON their
 * shortest decimal text.
 */
declare const unit: unique symbol;
export type Quantity = bigint & { readonly [unit]: 'Quantity' };

export const QUANTITY_SCALE = 30;

const ONE = 10n ** BigInt(QUANTITY_SCALE);

/** Quantities are below this: 10^15, so that a sum of 10^30 of them fits `Decimal(76, 30)`. */
export const QUANTITY_LIMIT = (10n ** 15n * ONE) as Quantity;

export const ZERO = 0n as Quantity;

export const addQuantities = (a: Quantity, b: Quantity): Quantity => (a + b) as Quantity;

const DECIMAL_TEXT = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;

/**
 * Reads a decimal text exactly, with or without an exponent. Null if it is not a decimal or has digits
 * beyond the 30th place.
 */
export const parseQuantity = (text: string): Quantity | null => {
  const match = DECIMAL_TEXT.exec(text);
  if (!match) return null;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = BigInt(whole + fraction);
  const shift = QUANTITY_SCALE - fraction.length + Number(exponent);
  if (shift >= 0) {
    if (digits === 0n) return ZERO;
    if (shift > 400) return null;
    const value = digits * 10n ** BigInt(shift);
    return (sign === '-' ? -value : value) as Quantity;
  }
  const divisor = 10n ** BigInt(-shift);
  if (digits % divisor !== 0n) return null;
  const value = digits / divisor;
  return (sign === '-' ? -value : value) as Quantity;
};

/** A JSON number enters as the shortest decimal text that names the same double. */
export const quantityFromNumber = (value: number): Quantity | null => parseQuantity(String(value));

/** The shortest decimal text of a count of 10^-scale, without an exponent: `16.461425899527967`, `2`, `0`. */
export const decimalText = (count: bigint, scale: number): string => {
  const negative = count < 0n;
  const digits = (negative ? -count : count).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return (negative ? '-' : '') + whole + (fraction === '' ? '' : `.${fraction}`);
};

/** The same for people: rounded half up (away from zero) to a number of places, with commas between thousands. */
export const roundedText = (count: bigint, scale: number, places: number): string => {
  const divisor = 10n ** BigInt(scale - places);
  const half = divisor / 2n;
  const rounded = (count < 0n ? count - half : count + half) / divisor;
  const digits = (rounded < 0n ? -rounded : rounded).toString().padStart(places + 1, '0');
  const whole = digits.slice(0, digits.length - places).replace(/\B(?=(\d{3})+$)/g, ',');
  const fraction = places === 0 ? '' : `.${digits.slice(digits.length - places)}`;
  return `${rounded < 0n ? '-' : ''}${whole}${fraction}`;
};

export const formatQuantity = (quantity: Quantity): string => decimalText(quantity, QUANTITY_SCALE);

/** The double that is nearest to the exact value. */
export const quantityToNumber = (quantity: Quantity): number => Number(formatQuantity(quantity));

/** Shortest big-endian two's complement, as Avro's `decimal` and Java's `BigInteger` write it. */
export const quantityToBytes = (quantity: Quantity): Buffer => {
  // A negative number and its complement need the same number of bytes.
  const magnitude = (quantity < 0n ? ~quantity : quantity).toString(16);
  const digits = magnitude.length + (magnitude.length % 2);
  const needsSignByte = digits === magnitude.length && magnitude >= '8';
  const length = digits / 2 + (needsSignByte ? 1 : 0);
  const hex = BigInt.asUintN(length * 8, quantity).toString(16);
  return Buffer.from(hex.padStart(length * 2, '0'), 'hex');
};

/** True for the one shortest form of a value, in 1 to 32 bytes: the only form that is stored. */
export const isCanonicalDecimal = (bytes: Uint8Array): boolean => {
  if (bytes.length === 0 || bytes.length > 32) return false;
  if (bytes.length === 1) return true;
  const first = bytes[0] ?? 0;
  const nextIsNegative = ((bytes[1] ?? 0) & 0x80) !== 0;
  return !((first === 0x00 && !nextIsNegative) || (first === 0xff && nextIsNegative));
};

/** Reads big-endian two's complement, of at least one byte. */
export const quantityFromBytes = (bytes: Uint8Array): Quantity => {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`)) as Quantity;
};
