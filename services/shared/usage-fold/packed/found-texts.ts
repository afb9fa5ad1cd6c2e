import { attributesDigest } from '../content-digest.ts';
import { textsAt } from './event-layout.ts';
import { NONE } from './hash-index.ts';
import type { PlainEvent } from './plain-event.ts';
import type { BlockTexts } from './block-texts.ts';
import type { TextTable } from './text-table.ts';

/**
 * The attributes of the event that is being folded: an entry of the table if it has them already, otherwise
 * bytes for this row alone. The table keeps only the texts of windows, so that it
 * does not grow with every event that has new ones.
 */
export class FoundTexts {
  /** The entry in the table; -1 if there is none. */
  entry = NONE;
  high = 0;
  low = 0;
  private last = NONE;

  /** Call this when another table is used from now on. */
  forget(): void {
    this.last = NONE;
  }

  /** Finds the texts of an event. Returns false if they are not valid text. */
  find(event: PlainEvent, table: TextTable): boolean {
    const { source, layout } = event;
    const { attributes } = layout;
    if (this.last === NONE || !table.is(this.last, source, attributes)) {
      this.last = table.find(source, attributes, table.hash(source, attributes));
    }
    this.entry = this.last;
    if (this.entry === NONE) return this.judge(event);
    this.high = table.digestHigh(this.entry);
    this.low = table.digestLow(this.entry);
    return true;
  }

  /** Sets the texts of a row. */
  setIn(block: BlockTexts, row: number, event: PlainEvent, table: TextTable): void {
    if (this.entry === NONE) block.setOwn(row, event.source.bytes, event.layout.attributes);
    else block.setEntry(row, table, this.entry);
  }

  private judge(event: PlainEvent): boolean {
    const { attributes } = event.layout;
    if (!event.areTexts(attributes)) return false;
    const digest = attributesDigest(textsAt(event.source.bytes, attributes));
    this.high = digest.high;
    this.low = digest.low;
    return true;
  }
}
