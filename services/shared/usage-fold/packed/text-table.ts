import { grown, withRoom } from './growing.ts';
import type { EventLayout } from './event-layout.ts';
import { equalBytes, hashBytes, hashStart, lengthBytes, writeText } from './text-bytes.ts';

const NONE = -1;
/** Bytes of an entry besides its texts, its places in the index included. */
const ENTRY_BYTES = 32;
/** In RowBinary a nullable text begins with 1 where it is null, else with 0. */
const NULL = 1;

/** Writes location, tags and additional info of an event as RowBinary has them. */
export const writeTexts = (into: Buffer, at: number, bytes: Buffer, event: EventLayout): number => {
  const place = writeText(into, at, bytes, event.location, event.locationLength);
  const behindTags = writeOptional(into, place, bytes, event.tags, event.tagsLength);
  return writeOptional(into, behindTags, bytes, event.additionalInfo, event.additionalInfoLength);
};

const writeOptional = (
  into: Buffer,
  at: number,
  bytes: Buffer,
  from: number,
  length: number,
): number => {
  into[at] = length < 0 ? NULL : 0;
  return length < 0 ? at + 1 : writeText(into, at + 1, bytes, from, length);
};

/** The most bytes that `writeTexts` writes. */
export const textsBytes = (event: EventLayout): number =>
  event.locationLength +
  Math.max(0, event.tagsLength) +
  Math.max(0, event.additionalInfoLength) +
  16;

/**
 * Location, tags and additional info, each combination once: most events repeat those of an earlier
 * one, and windows keep those of their first. They stand in one buffer as RowBinary has them.
 */
export class TextTable {
  texts: Buffer = Buffer.allocUnsafeSlow(256);
  private used = 0;
  private count = 0;
  /** Where each begins in `texts`; the last entry is where the next one will. */
  readonly start = { of: new Uint32Array(16) };
  private lengths = new Int32Array(48);
  private hashes = new Int32Array(16);
  private digests = new Uint32Array(32);
  /** By hash, the number plus one; 0 where there is none. */
  private index = new Int32Array(64);

  get bytes(): number {
    return this.used + this.count * ENTRY_BYTES;
  }

  hash(bytes: Buffer, event: EventLayout): number {
    let hash = hashBytes(hashStart(), bytes, event.location, event.locationLength);
    if (event.tagsLength >= 0) hash = hashBytes(hash, bytes, event.tags, event.tagsLength);
    return event.additionalInfoLength < 0
      ? hash
      : hashBytes(hash, bytes, event.additionalInfo, event.additionalInfoLength);
  }

  /** The entry of an event's texts; -1 where there is none yet. */
  find(bytes: Buffer, event: EventLayout, hash: number): number {
    const mask = this.index.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = (this.index[slot] ?? 0) - 1;
      if (entry < 0) return NONE;
      if (this.hashes[entry] === hash && this.is(entry, bytes, event)) return entry;
    }
  }

  /** Enters texts that `find` has not found, with their digest. */
  add(
    bytes: Buffer,
    event: EventLayout,
    hash: number,
    digest: { readonly high: number; readonly low: number },
  ): number {
    const entry = this.count++;
    this.reserve(entry, event);
    this.start.of[entry] = this.used;
    this.used = writeTexts(this.texts, this.used, bytes, event);
    this.start.of[entry + 1] = this.used;
    this.lengths[entry * 3] = event.locationLength;
    this.lengths[entry * 3 + 1] = event.tagsLength;
    this.lengths[entry * 3 + 2] = event.additionalInfoLength;
    this.hashes[entry] = hash;
    this.digests[entry * 2] = digest.high;
    this.digests[entry * 2 + 1] = digest.low;
    this.enter(entry);
    return entry;
  }

  digestHigh(entry: number): number {
    return this.digests[entry * 2] ?? 0;
  }

  digestLow(entry: number): number {
    return this.digests[entry * 2 + 1] ?? 0;
  }

  /** Whether an entry holds an event's texts. */
  is(entry: number, bytes: Buffer, event: EventLayout): boolean {
    const { texts } = this;
    const { locationLength, tagsLength, additionalInfoLength } = event;
    if (
      this.lengths[entry * 3] !== locationLength ||
      this.lengths[entry * 3 + 1] !== tagsLength ||
      this.lengths[entry * 3 + 2] !== additionalInfoLength
    ) {
      return false;
    }
    let at = (this.start.of[entry] ?? 0) + lengthBytes(locationLength);
    if (!equalBytes(texts, at, bytes, event.location, locationLength)) return false;
    at += locationLength + 1;
    if (tagsLength >= 0) {
      at += lengthBytes(tagsLength);
      if (!equalBytes(texts, at, bytes, event.tags, tagsLength)) return false;
      at += tagsLength;
    }
    if (additionalInfoLength < 0) return true;
    at += 1 + lengthBytes(additionalInfoLength);
    return equalBytes(texts, at, bytes, event.additionalInfo, additionalInfoLength);
  }

  textsOf(entry: number): { location: string; tags: string | null; additionalInfo: string | null } {
    let at = this.start.of[entry] ?? 0;
    const read = (length: number): string => {
      const from = at + lengthBytes(length);
      at = from + length;
      return this.texts.toString('utf8', from, at);
    };
    const location = read(this.lengths[entry * 3] ?? 0);
    const optional = (length: number): string | null => {
      at++;
      return length < 0 ? null : read(length);
    };
    const tags = optional(this.lengths[entry * 3 + 1] ?? NONE);
    return { location, tags, additionalInfo: optional(this.lengths[entry * 3 + 2] ?? NONE) };
  }

  private enter(entry: number): void {
    const mask = this.index.length - 1;
    let slot = (this.hashes[entry] ?? 0) & mask;
    while (this.index[slot] !== 0) slot = (slot + 1) & mask;
    this.index[slot] = entry + 1;
  }

  private reserve(entry: number, event: EventLayout): void {
    this.texts = withRoom(this.texts, this.used, textsBytes(event));
    this.start.of = grown(this.start.of, entry + 2);
    this.lengths = grown(this.lengths, entry * 3 + 3);
    this.hashes = grown(this.hashes, entry + 1);
    this.digests = grown(this.digests, entry * 2 + 2);
    if ((entry + 1) * 3 <= this.index.length * 2) return;
    this.index = new Int32Array(this.index.length * 2);
    for (let n = 0; n < entry; n++) this.enter(n);
  }
}
