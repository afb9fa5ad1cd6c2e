/**
 * CityHash128 as of version 1.0.2, which ClickHouse keeps for the checksums of its compressed blocks.
 * Algorithm: https://github.com/google/cityhash, by Geoff Pike and Jyrki Alakuijala, MIT licence.
 */
const K0 = 0xc3a5c85c97cb3127n;
const K1 = 0xb492b66fbe98f273n;
const K2 = 0x9ae16a3b2f90404fn;
const K3 = 0xc949d7c7509e6557n;
const MUL = 0x9ddfea08eb382d69n;

const MASK = (1n << 64n) - 1n;

type Pair = readonly [low: bigint, high: bigint];

const u64 = (value: bigint): bigint => value & MASK;
const times = (a: bigint, b: bigint): bigint => (a * b) & MASK;
const rotate = (value: bigint, by: bigint): bigint =>
  by === 0n ? value : ((value >> by) | (value << (64n - by))) & MASK;
const shiftMix = (value: bigint): bigint => value ^ (value >> 47n);

const hash16 = (low: bigint, high: bigint): bigint => {
  const a = shiftMix(times(low ^ high, MUL));
  return times(shiftMix(times(high ^ a, MUL)), MUL);
};

const hashUpTo16 = (bytes: Buffer): bigint => {
  const { length } = bytes;
  const size = BigInt(length);
  if (length > 8) {
    const last = bytes.readBigUInt64LE(length - 8);
    return hash16(bytes.readBigUInt64LE(0), rotate(u64(last + size), size)) ^ last;
  }
  if (length >= 4) {
    const [first, last] = [bytes.readUInt32LE(0), bytes.readUInt32LE(length - 4)];
    return hash16(size + (BigInt(first) << 3n), BigInt(last));
  }
  if (length === 0) return K2;
  const [first = 0, middle = 0, last = 0] = [0, length >> 1, length - 1].map((at) => bytes[at]);
  const y = BigInt(first + (middle << 8));
  const z = BigInt(length + (last << 2));
  return times(shiftMix(times(y, K2) ^ times(z, K3)), K2);
};

const murmur = (bytes: Buffer, [low, high]: Pair): Pair => {
  const { length } = bytes;
  let [a, b, c, d] = [low, high, 0n, 0n];
  if (length <= 16) {
    a = times(shiftMix(times(a, K1)), K1);
    c = u64(times(b, K1) + hashUpTo16(bytes));
    d = shiftMix(u64(a + (length >= 8 ? bytes.readBigUInt64LE(0) : c)));
  } else {
    c = hash16(u64(bytes.readBigUInt64LE(length - 8) + K1), a);
    d = hash16(u64(b + BigInt(length)), u64(c + bytes.readBigUInt64LE(length - 16)));
    a = u64(a + d);
    for (let at = 0; at + 16 < length; at += 16) {
      a = times(a ^ times(shiftMix(times(bytes.readBigUInt64LE(at), K1)), K1), K1);
      b ^= a;
      c = times(c ^ times(shiftMix(times(bytes.readBigUInt64LE(at + 8), K1)), K1), K1);
      d ^= c;
    }
  }
  a = hash16(a, c);
  b = hash16(d, b);
  return [a ^ b, hash16(b, a)];
};

const weakHash32 = (bytes: Buffer, at: number, first: bigint, second: bigint): Pair => {
  const last = bytes.readBigUInt64LE(at + 24);
  const a = u64(first + bytes.readBigUInt64LE(at));
  const b = rotate(u64(second + a + last), 21n);
  const sum = u64(a + bytes.readBigUInt64LE(at + 8) + bytes.readBigUInt64LE(at + 16));
  return [u64(sum + last), u64(b + rotate(sum, 44n) + a)];
};

/** Of 128 bytes or more. */
const hashLong = (bytes: Buffer, [low, high]: Pair): Pair => {
  const { length } = bytes;
  let [x, y, z] = [low, high, times(BigInt(length), K1)];
  let v0 = u64(times(rotate(y ^ K1, 49n), K1) + bytes.readBigUInt64LE(0));
  let v1 = u64(times(rotate(v0, 42n), K1) + bytes.readBigUInt64LE(8));
  let w0 = u64(times(rotate(u64(y + z), 35n), K1) + x);
  let w1 = times(rotate(u64(x + bytes.readBigUInt64LE(88)), 53n), K1);
  // Whole pieces of 128 bytes, in halves.
  const end = length - (length % 128);
  for (let at = 0; at < end; at += 64) {
    x = times(rotate(u64(x + y + v0 + bytes.readBigUInt64LE(at + 16)), 37n), K1) ^ w1;
    y = times(rotate(u64(y + v1 + bytes.readBigUInt64LE(at + 48)), 42n), K1) ^ v0;
    z = rotate(z ^ w0, 33n);
    [v0, v1] = weakHash32(bytes, at, times(v1, K1), u64(x + w0));
    [w0, w1] = weakHash32(bytes, at + 32, u64(z + w1), y);
    [z, x] = [x, z];
  }
  y = u64(y + times(rotate(w0, 37n), K0) + z);
  x = u64(x + times(rotate(u64(v0 + z), 49n), K0));
  // What is left, from the end, in up to four pieces of 32 bytes; the last of them reaches back.
  for (let done = 32; done < length - end + 32; done += 32) {
    const at = length - done;
    y = u64(times(rotate(u64(y - x), 42n), K0) + v1);
    w0 = u64(w0 + bytes.readBigUInt64LE(at + 16));
    x = u64(times(rotate(x, 49n), K0) + w0);
    w0 = u64(w0 + v0);
    [v0, v1] = weakHash32(bytes, at, v0, v1);
  }
  x = hash16(x, v0);
  y = hash16(y, w0);
  return [u64(hash16(u64(x + v1), w1) + y), hash16(u64(x + w1), u64(y + v1))];
};

const withSeed = (bytes: Buffer, seed: Pair): Pair =>
  bytes.length < 128 ? murmur(bytes, seed) : hashLong(bytes, seed);

const seeded = (bytes: Buffer): Pair => {
  const { length } = bytes;
  if (length >= 16) {
    const seed: Pair = [bytes.readBigUInt64LE(0) ^ K3, bytes.readBigUInt64LE(8)];
    return withSeed(bytes.subarray(16), seed);
  }
  if (length < 8) return withSeed(bytes, [K0, K1]);
  const first = bytes.readBigUInt64LE(0) ^ times(BigInt(length), K0);
  return withSeed(bytes.subarray(0, 0), [first, bytes.readBigUInt64LE(length - 8) ^ K1]);
};

/** The 16 bytes of the hash: its low half, then its high half, both little-endian. */
export const cityHash128 = (bytes: Buffer): Buffer => {
  const [low, high] = seeded(bytes);
  const hash = Buffer.alloc(16);
  hash.writeBigUInt64LE(low, 0);
  hash.writeBigUInt64LE(high, 8);
  return hash;
};
