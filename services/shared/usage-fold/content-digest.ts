import { createHash } from 'node:crypto';
import { quantityFromBytes } from '../model/decimal.ts';
import { ATTRIBUTES, IDENTITY } from '../model/event-texts.ts';
import { asciiLower } from '../model/placement.ts';
import { writeQuantity } from './packed/limbs.ts';
import type { JudgedEvent } from './verdict.ts';

/** Two words of 32 bits; signed or unsigned, the same bits are the same digest. */
export interface Digest {
  readonly high: number;
  readonly low: number;
}

/** The first 64 bits of SHA-256 over length-prefixed texts; null has the length -1 and no bytes. */
const digestTexts = (texts: readonly (string | null)[]): Digest => {
  const hash = createHash('sha256');
  for (const text of texts) {
    const bytes = text === null ? null : Buffer.from(text, 'utf8');
    const length = Buffer.alloc(4);
    length.writeInt32LE(bytes?.length ?? -1);
    hash.update(length);
    if (bytes) hash.update(bytes);
  }
  const digest = hash.digest();
  return { high: digest.readUInt32BE(0), low: digest.readUInt32BE(4) };
};

/**
 * Identities enter in lower case, as they do in the event id, so a resend that differs only in case is a
 * duplicate.
 */
export const identityDigest = (identity: readonly (string | null)[]): Digest =>
  digestTexts(identity.map((text) => asciiLower(text ?? '')));

/** The attributes of the first schema version. */
const FIRST_ATTRIBUTES = 3;

/**
 * Nulls at the end are left out, except those of the first attributes. So an event has the same digest
 * before and after an attribute is added that it does not have.
 */
export const attributesDigest = (attributes: readonly (string | null)[]): Digest => {
  let end = attributes.length;
  while (end > FIRST_ATTRIBUTES && attributes[end - 1] === null) end--;
  return digestTexts(attributes.slice(0, end));
};

/** The number of 32-bit words in the content of an event, see `ContentWords`. */
const WORDS = 16;

/**
 * The content of an event without its id, as 64 bytes in little-endian words: the digests of its identity
 * and of its attributes, start and end in milliseconds, and the quantity in units of 1e-30 with 256 bits.
 */
export class ContentWords {
  private readonly words = new Uint32Array(WORDS);
  /** The words of the quantity: set them before `digest`. */
  readonly quantity = this.words.subarray(8);
  /** The digest, in signed words: V8 makes an object of each unsigned one that is handed on. */
  high = 0;
  low = 0;

  /** Computes the digest: the first 64 bits of MurmurHash3 for x86 with 128 bits and seed 0. */
  digest(
    identityHigh: number,
    identityLow: number,
    attributesHigh: number,
    attributesLow: number,
    start: number,
    end: number,
  ): void {
    const { words } = this;
    words[0] = identityLow;
    words[1] = identityHigh;
    words[2] = attributesLow;
    words[3] = attributesHigh;
    words[4] = start;
    words[5] = Math.floor(start / 0x100000000);
    words[6] = end;
    words[7] = Math.floor(end / 0x100000000);
    this.mix();
  }

  /** Source: Austin Appleby's MurmurHash3_x86_128, for full blocks. */
  private mix(): void {
    const { words } = this;
    let [h1, h2, h3, h4] = [0, 0, 0, 0];
    for (let at = 0; at < WORDS; at += 4) {
      h1 ^= scrambled(words[at] ?? 0, C1, 15, C2);
      h1 = Math.imul((rotated(h1, 19) + h2) | 0, 5) + 0x561ccd1b;
      h2 ^= scrambled(words[at + 1] ?? 0, C2, 16, C3);
      h2 = Math.imul((rotated(h2, 17) + h3) | 0, 5) + 0x0bcaa747;
      h3 ^= scrambled(words[at + 2] ?? 0, C3, 17, C4);
      h3 = Math.imul((rotated(h3, 15) + h4) | 0, 5) + 0x96cd1c35;
      h4 ^= scrambled(words[at + 3] ?? 0, C4, 18, C1);
      h4 = Math.imul((rotated(h4, 13) + h1) | 0, 5) + 0x32ac3b17;
    }
    const length = WORDS * 4;
    [h1, h2, h3, h4] = [h1 ^ length, h2 ^ length, h3 ^ length, h4 ^ length];
    h1 = (h1 + h2 + h3 + h4) | 0;
    h2 = (h2 + h1) | 0;
    h3 = (h3 + h1) | 0;
    h4 = (h4 + h1) | 0;
    [h1, h2, h3, h4] = [finished(h1), finished(h2), finished(h3), finished(h4)];
    h1 = (h1 + h2 + h3 + h4) | 0;
    this.high = h1;
    this.low = (h2 + h1) | 0;
  }
}

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

const rotated = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

const scrambled = (word: number, first: number, bits: number, second: number): number =>
  Math.imul(rotated(Math.imul(word, first), bits), second);

const finished = (word: number): number => {
  let h = word ^ (word >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
};

const shared = new ContentWords();

/** A digest of two words as one number without a sign. */
export const digestOf = (high: number, low: number): bigint =>
  (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

/** 64 bits over everything in an event except its id. */
export const contentDigest = (event: JudgedEvent): bigint => {
  const identity = identityDigest(IDENTITY.map(({ name }) => event[name]));
  const attributes = attributesDigest(ATTRIBUTES.map(({ name }) => event[name]));
  writeQuantity(quantityFromBytes(event.quantity), shared.quantity);
  shared.digest(
    identity.high,
    identity.low,
    attributes.high,
    attributes.low,
    event.usageStartTime,
    event.usageEndTime,
  );
  return digestOf(shared.high, shared.low);
};
