/** The smallest size of a buffer that is not empty. */
const FIRST_BYTES = 256;

type Numbers = Int32Array | Uint8Array | Uint16Array | Uint32Array | Float64Array;

/**
 * The array if it can hold `length` numbers, otherwise a copy whose length has been doubled until it can.
 */
export const grown = <T extends Numbers>(array: T, length: number): T => {
  if (length <= array.length) return array;
  let capacity = Math.max(16, array.length);
  while (capacity < length) capacity *= 2;
  const Kind = array.constructor as new (length: number) => T;
  const copy = new Kind(capacity);
  copy.set(array);
  return copy;
};

/** Larger arrays of the same names, with what the given ones hold. */
export const copiedInto = <Columns extends Readonly<Record<string, Numbers>>>(
  larger: Columns,
  columns: Columns,
): Columns => {
  for (const [name, array] of Object.entries(columns)) larger[name]?.set(array);
  return larger;
};

/**
 * The buffer if `more` bytes fit after the first `used`, otherwise a copy of those that is at least twice
 * as long.
 */
export const withRoom = (buffer: Buffer, used: number, more: number): Buffer => {
  if (used + more <= buffer.length) return buffer;
  const copy = Buffer.allocUnsafeSlow(Math.max(used + more, buffer.length * 2, FIRST_BYTES));
  buffer.copy(copy, 0, 0, used);
  return copy;
};
