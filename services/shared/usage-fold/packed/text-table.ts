import { ATTRIBUTES } from '../../model/event-texts.ts';
import { TextEntries } from './text-entries.ts';

/** Bytes of an entry without its texts, including its slots in the index. */
const ENTRY_BYTES = 34 + 4 * ATTRIBUTES.length;

/**
 * Attributes of events, each combination once. Most events repeat the attributes of an earlier one, and
 * windows keep those of their first event.
 */
export class TextTable extends TextEntries {
  constructor() {
    super(ATTRIBUTES.length);
  }

  get bytes(): number {
    return this.textBytes + this.size * ENTRY_BYTES;
  }
}
