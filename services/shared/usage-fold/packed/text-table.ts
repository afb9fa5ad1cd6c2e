import { TextEntries } from './text-entries.ts';

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
}
