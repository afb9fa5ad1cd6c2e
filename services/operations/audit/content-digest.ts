import { createHash } from 'node:crypto';
import { asciiLower } from '../../shared/model/placement.ts';
import { ATTRIBUTES, IDENTITIES } from './texts.ts';
import type { Usage } from './usage.ts';

/**
 * The first 8 bytes of SHA-256, in reverse order, over texts that each follow their length as a 32-bit
 * number (-1 for null).
 */
const shaOf = (texts: readonly (string | null)[]): Buffer => {
  const parts = texts.flatMap((text) => {
    const bytes = Buffer.from(text ?? '', 'utf8');
    const length = Buffer.alloc(4);
    length.writeInt32LE(text === null ? -1 : bytes.length);
    return [length, bytes];
  });
  const hash = createHash('sha256').update(Buffer.concat(parts)).digest();
  return hash.subarray(0, 8).reverse(); // one 64-bit number, in little-endian
};

/** Converts a big-endian two's complement of any length to 32 bytes in little-endian. */
const quantityBytes = (quantity: Buffer): Buffer => {
  const sign = (quantity[0] ?? 0) >= 0x80 ? 0xff : 0;
  return Buffer.concat([Buffer.alloc(32 - quantity.length, sign), quantity]).reverse();
};

const instantBytes = (instant: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(instant));
  return bytes;
};

/**
 * 64 bits over everything in an event except its id, ignoring the case of its identities: the ledger's
 * `content_digest` (docs/design.md, "Content digest"). It is the first half of the 128-bit MurmurHash3 for
 * x86 over 64 bytes.
 */
export const contentOf = (usage: Usage): bigint =>
  murmur(
    Buffer.concat([
      shaOf(IDENTITIES.map(({ name }) => asciiLower(usage[name]))),
      shaOf(attributesOf(usage)),
      instantBytes(usage.start),
      instantBytes(usage.end),
      quantityBytes(usage.quantity),
    ]),
  );

/** The attributes as they enter the digest: of those that were added later, none that is null at the end. */
const attributesOf = (usage: Usage): (string | null)[] => {
  const values = ATTRIBUTES.map(({ name }) => usage[name]);
  const last = values.findLastIndex((value) => value !== null);
  return values.slice(0, Math.max(3, last + 1));
};

/** The four lanes of the hash: how a word is scrambled, and what is added to the lane. */
const LANES = [
  { by: 0x239b961b, turn: 15, then: 0xab0e9789, lane: 19, plus: 0x561ccd1b },
  { by: 0xab0e9789, turn: 16, then: 0x38b34ae5, lane: 17, plus: 0x0bcaa747 },
  { by: 0x38b34ae5, turn: 17, then: 0xa1e38b93, lane: 15, plus: 0x96cd1c35 },
  { by: 0xa1e38b93, turn: 18, then: 0x239b961b, lane: 13, plus: 0x32ac3b17 },
] as const;

const turned = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

/** Hashes bytes in full blocks of 16, with seed 0. */
const murmur = (bytes: Buffer): bigint => {
  const state = [0, 0, 0, 0];
  for (let block = 0; block < bytes.length; block += 16) {
    LANES.forEach(({ by, turn, then, lane, plus }, n) => {
      const word = bytes.readInt32LE(block + n * 4);
      const mixed = (state[n] ?? 0) ^ Math.imul(turned(Math.imul(word, by), turn), then);
      const sum = (turned(mixed, lane) + (state[(n + 1) % 4] ?? 0)) | 0;
      state[n] = (Math.imul(sum, 5) + plus) | 0;
    });
  }
  const spread = (lanes: readonly number[]): number[] => {
    const first = lanes.reduce((a, b) => (a + b) | 0);
    return lanes.map((lane, n) => (n === 0 ? first : (lane + first) | 0));
  };
  const last = spread(spread(state.map((lane) => lane ^ bytes.length)).map(finished));
  const [high = 0, low = 0] = last.map((lane) => BigInt(lane >>> 0));
  return (BigInt(high) << 32n) | BigInt(low);
};

const finished = (lane: number): number => {
  let word = lane;
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
};
