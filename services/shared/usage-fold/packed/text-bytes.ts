import { randomBytes } from 'node:crypto';

/**
 * Providers choose the texts. With a hash that they could compute, crafted texts would all collide and make
 * every look-up slow.
 */
const SEED = randomBytes(4).readInt32LE(0);

export const hashStart = (): number => SEED;

/** Continues a hash over bytes. Letters that differ only in case hash alike. */
export const hashBytes = (hash: number, bytes: Buffer, at: number, length: number): number => {
  let h = hash ^ length;
  const end = at + length;
  let n = at;
  for (; n + 4 <= end; n += 4) {
    const word =
      (bytes[n] ?? 0) |
      ((bytes[n + 1] ?? 0) << 8) |
      ((bytes[n + 2] ?? 0) << 16) |
      ((bytes[n + 3] ?? 0) << 24);
    h = Math.imul(h ^ (word | 0x20202020), 0x5bd1e995);
    h ^= h >>> 15;
  }
  for (; n < end; n++) h = Math.imul(h ^ ((bytes[n] ?? 0) | 0x20), 0x5bd1e995) ^ (h >>> 13);
  return h ^ (h >>> 16);
};

export const equalBytes = (
  a: Buffer,
  aAt: number,
  b: Buffer,
  bAt: number,
  length: number,
): boolean => {
  for (let n = 0; n < length; n++) if (a[aAt + n] !== b[bAt + n]) return false;
  return true;
};

const A = 0x41;
const Z = 0x5a;

/** A byte of a text, with ASCII letters in lower case, as in `asciiLower`. */
export const lowerByte = (byte: number): number => (byte >= A && byte <= Z ? byte | 0x20 : byte);

/** Whether lower-case bytes equal a text when its case is ignored. */
export const equalLowered = (
  lowered: Buffer,
  loweredAt: number,
  text: Buffer,
  textAt: number,
  length: number,
): boolean => {
  for (let n = 0; n < length; n++) {
    if (lowered[loweredAt + n] !== lowerByte(text[textAt + n] ?? 0)) return false;
  }
  return true;
};

/** Whether texts differ at most in the case of ASCII letters. */
export const equalFolded = (
  a: Buffer,
  aAt: number,
  b: Buffer,
  bAt: number,
  length: number,
): boolean => {
  for (let n = 0; n < length; n++) {
    if (lowerByte(a[aAt + n] ?? 0) !== lowerByte(b[bAt + n] ?? 0)) return false;
  }
  return true;
};

/** The number of bytes that a length takes in ClickHouse's binary formats (LEB128). */
export const lengthBytes = (length: number): number =>
  length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x200000 ? 3 : 4;

/** Writes a length and returns the position after it. */
export const writeLength = (buffer: Buffer, at: number, length: number): number => {
  let place = at;
  let rest = length;
  while (rest >= 0x80) {
    buffer[place++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[place++] = rest;
  return place;
};

/** Writes a text with its length first. */
export const writeText = (
  buffer: Buffer,
  at: number,
  from: Buffer,
  fromAt: number,
  length: number,
): number => {
  const place = writeLength(buffer, at, length);
  from.copy(buffer, place, fromAt, fromAt + length);
  return place + length;
};
