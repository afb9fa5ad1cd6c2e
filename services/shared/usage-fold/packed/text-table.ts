import type { Digest } from '../content-digest.ts';
import { grown } from './growing.ts';
import type { EventLayout } from './event-layout.ts';
import { NONE } from './hash-index.ts';
import { equalBytes, hashBytes, hashStart, lengthBytes, writeText } from './text-bytes.ts';
import { TextEntries } from './text-entries.ts';

/** Bytes of an entry without its texts, including its slots in the index. */
const ENTRY_BYTES = 32;
/** In RowBinary a nullable text begins with 1 if it is null, otherwise with 0. */
const NULL = 1;

/** Writes location, tags and additional info of an event in RowBinary. */
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
 * Location, tags and additional info, each combination once. Most events repeat the texts of an earlier
 * one, and windows keep the texts of their first event.
 */
export class TextTable extends TextEntries {
  /** The lengths of location, tags and additional info: three for each entry, -1 for null. */
  private lengths = new Int32Array(48);

  get bytes(): number {
    return this.textBytes + this.index.size * ENTRY_BYTES;
  }

  hash(bytes: Buffer, event: EventLayout): number {
    let hash = hashBytes(hashStart(), bytes, event.location, event.locationLength);
    if (event.tagsLength >= 0) hash = hashBytes(hash, bytes, event.tags, event.tagsLength);
    return event.additionalInfoLength < 0
      ? hash
      : hashBytes(hash, bytes, event.additionalInfo, event.additionalInfoLength);
  }

  /** The entry of an event's texts; -1 if there is none yet. */
  find(bytes: Buffer, event: EventLayout, hash: number): number {
    const { index } = this;
    for (let slot = index.begin(hash); ; slot = index.next(slot)) {
      const entry = index.at(slot);
      if (entry === NONE) return NONE;
      if (index.hashOf(entry) === hash && this.is(entry, bytes, event)) return entry;
    }
  }

  /** Adds texts that `find` has not found, with their digest. */
  add(bytes: Buffer, event: EventLayout, hash: number, digest: Digest): number {
    const entry = this.append(hash, digest, textsBytes(event), (into, at) =>
      writeTexts(into, at, bytes, event),
    );
    this.lengths = grown(this.lengths, entry * 3 + 3);
    this.lengths[entry * 3] = event.locationLength;
    this.lengths[entry * 3 + 1] = event.tagsLength;
    this.lengths[entry * 3 + 2] = event.additionalInfoLength;
    return entry;
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
    let at = this.startOf(entry) + lengthBytes(locationLength);
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
    let at = this.startOf(entry);
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
}
