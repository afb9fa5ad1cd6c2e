import { ATTRIBUTES, IDENTITY, textsFrom } from '../../model/event-texts.ts';
import { identityKeys } from '../../model/placement.ts';
import { nextHour, type Hour } from '../../model/time.ts';
import type { PackedRows, Rows } from '../rows.ts';
import type { Place } from '../place.ts';
import type { Window } from '../window.ts';
import { BlockTexts } from './block-texts.ts';
import { LIMBS, quantityOf } from './limbs.ts';
import {
  nativeBlock,
  numbers,
  sameNumber,
  sameText,
  UTC,
  type NativeColumn,
} from './native-block.ts';
import type { SeriesTable } from './series-table.ts';
import type { TextTable } from './text-table.ts';
import type { WindowTable } from './window-table.ts';
import { int64Of, setInt64 } from './words.ts';

/** Windows as the columns of their table, as they were when each was added. */
export class WindowRows implements Rows<Window> {
  private readonly place: Place;
  private readonly hour: Hour;
  readonly length: number;
  private rows = 0;
  /** Seconds since 1970. */
  private readonly usageHours: Uint32Array;
  private readonly identities = new BlockTexts(IDENTITY);
  private readonly attributes = new BlockTexts(ATTRIBUTES);
  private readonly quantities: Uint32Array;
  private readonly counts: Uint32Array;
  private readonly firstOffsets: Uint32Array;
  private readonly lastOffsets: Uint32Array;

  /** For `length` windows of a reported hour, all of which must be added. */
  constructor(place: Place, hour: Hour, length: number) {
    this.place = place;
    this.hour = hour;
    this.length = length;
    this.usageHours = new Uint32Array(length);
    this.quantities = new Uint32Array(length * LIMBS);
    this.counts = new Uint32Array(length * 2);
    this.firstOffsets = new Uint32Array(length * 2);
    this.lastOffsets = new Uint32Array(length * 2);
  }

  add(window: number, table: WindowTable, series: SeriesTable, texts: TextTable): void {
    const row = this.rows++;
    this.usageHours[row] = table.usageHourOf(window) / 1000;
    this.identities.setEntry(row, series, table.seriesOf(window));
    this.attributes.setEntry(row, texts, table.textsOf(window));
    const { quantities } = table;
    for (let n = 0; n < LIMBS; n++) {
      this.quantities[row * LIMBS + n] = quantities[window * LIMBS + n] ?? 0;
    }
    setInt64(this.counts, row, table.eventsOf(window));
    setInt64(this.firstOffsets, row, table.firstOffsetOf(window));
    setInt64(this.lastOffsets, row, table.lastOffsetOf(window));
  }

  packed(): PackedRows {
    const { place, hour, rows, identities, attributes } = this;
    const block: readonly NativeColumn[] = [
      sameText('topic', place.topic, rows),
      sameNumber('epoch', 'UInt32', place.epoch, rows),
      sameNumber('partition', 'UInt16', place.partition, rows),
      sameNumber('reported_hour', 'DateTime', hour / 1000, rows),
      numbers('usage_hour', UTC, this.usageHours, rows),
      numbers('usage_hour_end', UTC, this.usageHourEnds(), rows),
      ...IDENTITY.map(({ key }, n) => identities.loweredColumn(n, key, rows)),
      ...identities.columns(rows),
      ...attributes.columns(rows),
      numbers('quantity', 'Decimal(76, 30)', this.quantities, rows, LIMBS),
      numbers('event_count', 'UInt64', this.counts, rows, 2),
      numbers('first_offset', 'UInt64', this.firstOffsets, rows, 2),
      numbers('last_offset', 'UInt64', this.lastOffsets, rows, 2),
      sameNumber('generation', 'UInt16', 0, rows),
    ];
    // The texts of the identity come twice: as they are, and in lower case.
    return nativeBlock(rows, block, 2 * identities.bytes + attributes.bytes);
  }

  *[Symbol.iterator](): Iterator<Window> {
    for (let row = 0; row < this.rows; row++) yield this.windowOf(row);
  }

  private usageHourEnds(): Uint32Array {
    const { hourMillis } = this.place.source;
    return this.usageHours.map((hour) => nextHour((hour * 1000) as Hour, hourMillis) / 1000);
  }

  private windowOf(row: number): Window {
    const { identities, attributes } = this;
    const texts = textsFrom([...identities.stringsOf(row), ...attributes.stringsOf(row)]);
    return {
      usageHour: ((this.usageHours[row] ?? 0) * 1000) as Hour,
      ...identityKeys(texts),
      ...texts,
      quantity: quantityOf(this.quantities, row * LIMBS),
      eventCount: int64Of(this.counts, row),
      firstOffset: int64Of(this.firstOffsets, row),
      lastOffset: int64Of(this.lastOffsets, row),
    };
  }
}
