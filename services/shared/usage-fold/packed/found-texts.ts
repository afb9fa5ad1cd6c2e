import { attributesDigest } from '../content-digest.ts';
import { textsAt } from './event-layout.ts';
import { grown } from './growing.ts';
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
  /** Of each series the entry of its last event, plus one: mostly it is wanted again. */
  private last = new Int32Array(16);

  /** Call this when other tables are used from now on. */
  forget(): void {
    this.last.fill(0);
  }

  /** Finds the texts of an event of a series. Returns false if they are not valid text. */
  find(event: PlainEvent, series: number, table: TextTable): boolean {
    const { source, layout } = event;
    const { attributes } = layout;
    this.entry = (this.last[series] ?? 0) - 1;
    if (this.entry === NONE || !table.is(this.entry, source, attributes)) {
      this.entry = table.find(source, attributes, table.hash(source, attributes));
      if (this.entry === NONE) return this.judge(event);
      this.last = grown(this.last, series + 1);
      this.last[series] = this.entry + 1;
    }
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
