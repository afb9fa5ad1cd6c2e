import avro from 'avsc';

/** Groups of seven bits that a double holds exactly. */
const GROUPS_IN_A_DOUBLE = 7;
/** Ten groups hold 64 bits; the tenth holds only the last bit. */
const MAX_BYTES = 10;

/**
 * The number of a varint in zigzag form, exact in all 64 bits. avsc itself reads numbers in floating point
 * and is off by one from 2^52 on. Source: Apache Avro 1.12 specification, "Binary encoding".
 * @throws Error for anything but a 64-bit number
 */
export const exactLong = (varint: Uint8Array): bigint => {
  const { length } = varint;
  if (length <= GROUPS_IN_A_DOUBLE) {
    let zigzag = 0;
    for (let n = length - 1; n >= 0; n--) zigzag = zigzag * 128 + ((varint[n] ?? 0) & 0x7f);
    return BigInt(zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2);
  }
  if (length > MAX_BYTES || (length === MAX_BYTES && (varint[MAX_BYTES - 1] ?? 0) > 1)) {
    throw new Error('a number that has more than 64 bits');
  }
  let zigzag = 0n;
  for (let n = length - 1; n >= 0; n--) {
    zigzag = (zigzag << 7n) | BigInt((varint[n] ?? 0) & 0x7f);
  }
  return (zigzag >> 1n) ^ -(zigzag & 1n);
};

const readOnly = (): never => {
  throw new Error('this type only reads');
};

/** avsc's `long`, read as a bigint. */
export const EXACT_LONG: avro.Type = avro.types.LongType.__with(
  {
    fromBuffer: exactLong,
    /** Numbers that were written as `int` take this path. */
    fromJSON: (value: number) => BigInt(value),
    toBuffer: readOnly,
    toJSON: (value: bigint) => Number(value),
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: readOnly,
  },
  true, // the bytes as in the datum
);
