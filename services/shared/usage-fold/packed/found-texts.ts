import { textsDigest } from '../content-digest.ts';
import { NONE } from './hash-index.ts';
import type { PackedRow } from './ledger-rows.ts';
import type { PlainEvent } from './plain-event.ts';
import { textsBytes, writeTexts, type TextTable } from './text-table.ts';

/**
 * Location, tags and additional info of the event that is being folded: an entry of the table if it has
 * them already, otherwise bytes for this row alone. The table keeps only the texts of windows, so that it
 * does not grow with every event that has new ones.
 */
export class FoundTexts {
  /** The entry in the table; -1 if there is none. */
  entry = NONE;
  high = 0;
  low = 0;
  private last = NONE;
  private own = Buffer.allocUnsafeSlow(1024);
  private ownEnd = 0;

  /** Call this when another table is used from now on. */
  forget(): void {
    this.last = NONE;
  }

  /** Finds the texts of an event. Returns false if they are not valid text. */
  find(event: PlainEvent, table: TextTable): boolean {
    const { bytes, layout } = event;
    if (this.last === NONE || !table.is(this.last, bytes, layout)) {
      this.last = table.find(bytes, layout, table.hash(bytes, layout));
    }
    this.entry = this.last;
    if (this.entry === NONE) return this.layOut(event);
    this.high = table.digestHigh(this.entry);
    this.low = table.digestLow(this.entry);
    return true;
  }

  /** Sets the texts of a row. */
  copyTo(row: PackedRow, table: TextTable): void {
    const { entry } = this;
    row.texts = entry === NONE ? this.own : table.texts;
    row.textsStart = entry === NONE ? 0 : table.startOf(entry);
    row.textsEnd = entry === NONE ? this.ownEnd : table.endOf(entry);
  }

  private layOut(event: PlainEvent): boolean {
    const { bytes, layout } = event;
    if (
      !event.isText(layout.location, layout.locationLength) ||
      !event.isText(layout.tags, layout.tagsLength) ||
      !event.isText(layout.additionalInfo, layout.additionalInfoLength)
    ) {
      return false;
    }
    const most = textsBytes(layout);
    if (most > this.own.length) this.own = Buffer.allocUnsafeSlow(most * 2);
    this.ownEnd = writeTexts(this.own, 0, bytes, layout);
    const { location, tags, additionalInfo } = event.texts();
    const digest = textsDigest(location, tags, additionalInfo);
    this.high = digest.high;
    this.low = digest.low;
    return true;
  }
}
