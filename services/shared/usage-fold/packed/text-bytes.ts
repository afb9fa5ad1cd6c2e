import { randomBytes } from 'node:crypto';

/**
 * Texts are chosen by providers. With a hash that they could work out, they could craft texts that all
 * fall into one slot, which would make each look-up slow.
 */
const SEED = randomBytes(4).readInt32LE(0);

export const hashStart = (): number => SEED;

/** Continues a hash over some bytes. ASCII letters that differ only in case hash alike. */
export const hashBytes = (hash: number, bytes: DataView, at: number, length: number): number => {
  let h = hash ^ length;
  const end = at + length;
  let n = at;
  for (; n + 4 <= end; n += 4) {
    h = Math.imul(h ^ (bytes.getInt32(n, true) | 0x20202020), 0x5bd1e995);
    h ^= h >>> 15;
  }
  for (; n < end; n++) h = Math.imul(h ^ (bytes.getUint8(n) | 0x20), 0x5bd1e995) ^ (h >>> 13);
  return h ^ (h >>> 16);
};

export const equalBytes = (
  a: DataView,
  aAt: number,
  b: DataView,
  bAt: number,
  length: number,
): boolean => {
  let n = 0;
  for (; n + 4 <= length; n += 4) {
    if (a.getInt32(aAt + n, true) !== b.getInt32(bAt + n, true)) return false;
  }
  for (; n < length; n++) if (a.getUint8(aAt + n) !== b.getUint8(bAt + n)) return false;
  return true;
};

/** Four bytes of a text with ASCII letters in lower case, as `asciiLower` has them. */
export const lowerWord = (word: number): number => {
  const low = word & 0x7f7f7f7f;
  // The highest bit of each byte: is it at least "A", and is it beyond "Z"? No sum reaches the next byte.
  const isLetter = (low + 0x3f3f3f3f) & ~(low + 0x25252525) & ~word & 0x80808080;
  return word | (isLetter >>> 2);
};

/** Whether bytes in lower case are those of a text in any case. */
export const equalLowered = (
  lowered: DataView,
  loweredAt: number,
  text: DataView,
  textAt: number,
  length: number,
): boolean => {
  let n = 0;
  for (; n + 4 <= length; n += 4) {
    if (lowered.getInt32(loweredAt + n, true) !== lowerWord(text.getInt32(textAt + n, true))) {
      return false;
    }
  }
  for (; n < length; n++) {
    if (lowered.getUint8(loweredAt + n) !== lowerWord(text.getUint8(textAt + n))) return false;
  }
  return true;
};

/** Whether texts are equal apart from the case of ASCII letters. */
export const equalFolded = (
  a: DataView,
  aAt: number,
  b: DataView,
  bAt: number,
  length: number,
): boolean => {
  let n = 0;
  for (; n + 4 <= length; n += 4) {
    if (lowerWord(a.getInt32(aAt + n, true)) !== lowerWord(b.getInt32(bAt + n, true))) return false;
  }
  for (; n < length; n++) {
    if (lowerWord(a.getUint8(aAt + n)) !== lowerWord(b.getUint8(bAt + n))) return false;
  }
  return true;
};

/** Writes a length as ClickHouse's binary formats have it (LEB128). Returns the position after it. */
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
