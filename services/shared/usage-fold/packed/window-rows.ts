import { ATTRIBUTES, IDENTITY, textsFrom } from '../../model/event-texts.ts';
import { identityKeys } from '../../model/placement.ts';
import { nextHour, type Hour } from '../../model/time.ts';
import type { PackedRows } from '../rows.ts';
import type { Place } from '../place.ts';
import type { Window } from '../window.ts';
import { BlockTexts } from './block-texts.ts';
import { copiedInto } from './growing.ts';
import { LIMBS, quantityOf } from './limbs.ts';
import {
  nativeBlock,
  numbers,
  sameNumber,
  sameText,
  UTC,
  type NativeColumn,
} from './native-block.ts';
import type { Block } from './segment.ts';
import type { SeriesTable } from './series-table.ts';
import type { TextTable } from './text-table.ts';
import type { WindowTable } from './window-table.ts';
import { int64Of, setInt64 } from './words.ts';

const FIRST_ROWS = 16;

/** Arrays with room for the same number of rows. */
const columnsOf = (rows: number) => ({
  /** Seconds since 1970. */
  reportedHours: new Uint32Array(rows),
  usageHours: new Uint32Array(rows),
  usageHourEnds: new Uint32Array(rows),
  quantities: new Uint32Array(rows * LIMBS),
  counts: new Uint32Array(rows * 2),
  firstOffsets: new Uint32Array(rows * 2),
  lastOffsets: new Uint32Array(rows * 2),
});

/** Windows as the columns of their table, as they were when each was added. */
export class WindowRows implements Block<Window> {
  private readonly place: Place;
  private readonly identities = new BlockTexts(IDENTITY);
  private readonly attributes = new BlockTexts(ATTRIBUTES);
  private room = 0;
  private columns = columnsOf(0);
  private rows = 0;

  constructor(place: Place) {
    this.place = place;
  }

  get length(): number {
    return this.rows;
  }

  /** Makes room for so many more rows. */
  reserve(more: number): void {
    if (this.rows + more <= this.room) return;
    this.room = Math.max(FIRST_ROWS, this.rows + more, this.room * 2);
    this.columns = copiedInto(columnsOf(this.room), this.columns);
  }

  /** Adds a window of a reported hour. There must be room for it. */
  add(hour: Hour, window: number, table: WindowTable, series: SeriesTable, texts: TextTable): void {
    const { columns, place } = this;
    const row = this.rows++;
    const usageHour = table.usageHourOf(window);
    columns.reportedHours[row] = hour / 1000;
    columns.usageHours[row] = usageHour / 1000;
    columns.usageHourEnds[row] = nextHour(usageHour, place.source.hourMillis) / 1000;
    this.identities.setEntry(row, series, table.seriesOf(window));
    this.attributes.setEntry(row, texts, table.textsOf(window));
    const { quantities } = table;
    for (let n = 0; n < LIMBS; n++) {
      columns.quantities[row * LIMBS + n] = quantities[window * LIMBS + n] ?? 0;
    }
    setInt64(columns.counts, row, table.eventsOf(window));
    setInt64(columns.firstOffsets, row, table.firstOffsetOf(window));
    setInt64(columns.lastOffsets, row, table.lastOffsetOf(window));
  }

  packed(from: number, to: number): PackedRows {
    const { place, columns, identities, attributes } = this;
    const some = { from, to };
    const block: readonly NativeColumn[] = [
      sameText('topic', place.topic, some),
      sameNumber('epoch', 'UInt32', place.epoch, some),
      sameNumber('partition', 'UInt16', place.partition, some),
      numbers('reported_hour', UTC, columns.reportedHours, some),
      numbers('usage_hour', UTC, columns.usageHours, some),
      numbers('usage_hour_end', UTC, columns.usageHourEnds, some),
      ...IDENTITY.map(({ key }, n) => identities.loweredColumn(n, key, some)),
      ...identities.columns(some),
      ...attributes.columns(some),
      numbers('quantity', 'Decimal(76, 30)', columns.quantities, some, LIMBS),
      numbers('event_count', 'UInt64', columns.counts, some, 2),
      numbers('first_offset', 'UInt64', columns.firstOffsets, some, 2),
      numbers('last_offset', 'UInt64', columns.lastOffsets, some, 2),
      sameNumber('generation', 'UInt16', 0, some),
    ];
    // The texts of the identity come twice: as they are, and in lower case.
    const texts = 2 * identities.bytesOf(some) + attributes.bytesOf(some);
    return nativeBlock(to - from, block, texts);
  }

  row(row: number): Window {
    const { columns, identities, attributes } = this;
    const texts = textsFrom([...identities.stringsOf(row), ...attributes.stringsOf(row)]);
    return {
      usageHour: ((columns.usageHours[row] ?? 0) * 1000) as Hour,
      ...identityKeys(texts),
      ...texts,
      quantity: quantityOf(columns.quantities, row * LIMBS),
      eventCount: int64Of(columns.counts, row),
      firstOffset: int64Of(columns.firstOffsets, row),
      lastOffset: int64Of(columns.lastOffsets, row),
    };
  }
}
