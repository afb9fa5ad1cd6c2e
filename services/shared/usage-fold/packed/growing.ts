type Numbers = Int32Array | Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** The array, or a copy twice as long, as long as it must hold so many numbers. */
export const grown = <T extends Numbers>(array: T, length: number): T => {
  if (length <= array.length) return array;
  let capacity = Math.max(16, array.length);
  while (capacity < length) capacity *= 2;
  const Kind = array.constructor as new (length: number) => T;
  const copy = new Kind(capacity);
  copy.set(array);
  return copy;
};

/** The buffer, or a copy of its first `used` bytes twice as long, as long as so many more must fit. */
export const withRoom = (buffer: Buffer, used: number, more: number): Buffer => {
  if (used + more <= buffer.length) return buffer;
  const copy = Buffer.allocUnsafeSlow(Math.max(used + more, buffer.length * 2));
  buffer.copy(copy, 0, 0, used);
  return copy;
};
