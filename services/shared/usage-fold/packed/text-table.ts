import type { Digest } from '../content-digest.ts';
import { ADDITIONAL_INFO, LOCATION, TAGS, type TextPlaces } from './event-layout.ts';
import { TextEntries } from './text-entries.ts';
import type { ViewedBytes } from './viewed-bytes.ts';

/** Bytes of an entry without its texts, including its slots in the index. */
const ENTRY_BYTES = 46;

/**
 * Location, tags and additional info, each combination once. Most events repeat the texts of an earlier
 * one, and windows keep the texts of their first event.
 */
export class TextTable extends TextEntries {
  get bytes(): number {
    return this.textBytes + this.size * ENTRY_BYTES;
  }

  /** Adds texts that `find` has not found, with their digest. */
  add(source: ViewedBytes, places: TextPlaces, hash: number, digest: Digest): number {
    return this.append(source, places, hash, digest);
  }

  textsOf(entry: number): { location: string; tags: string | null; additionalInfo: string | null } {
    const texts = this.stringsOf(entry);
    return {
      location: texts[LOCATION] ?? '',
      tags: texts[TAGS],
      additionalInfo: texts[ADDITIONAL_INFO],
    };
  }
}
