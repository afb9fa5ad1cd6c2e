const TWO_32 = 0x100000000;

/** Writes a whole number, which a double holds exactly, as 64 bits in two words, in two's complement. */
export const setInt64 = (words: Uint32Array, row: number, value: number): void => {
  words[row * 2] = value; // modulo 2^32
  words[row * 2 + 1] = Math.floor(value / TWO_32);
};

export const int64Of = (words: Uint32Array, row: number): number =>
  ((words[row * 2 + 1] ?? 0) | 0) * TWO_32 + (words[row * 2] ?? 0);
