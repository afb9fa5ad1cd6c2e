import { nextHour, type Hour } from '../../model/time.ts';
import type { PackedRows, Rows } from '../rows.ts';
import type { Place } from '../place.ts';
import type { Window } from '../window.ts';
import { placeBytes } from './ledger-rows.ts';
import { LIMBS, quantityOf } from './limbs.ts';
import { RowBuffer, RowReader } from './row-buffer.ts';
import type { SeriesTable } from './series-table.ts';
import { lowerByte } from './text-bytes.ts';
import type { TextTable } from './text-table.ts';
import type { WindowTable } from './window-table.ts';

/** The columns of `usage_hourly` in the order in which `WindowRows` writes them. */
const WINDOW_COLUMNS = [
  'topic',
  'epoch',
  'partition',
  'reported_hour',
  'usage_hour',
  'usage_hour_end',
  'subscription_key',
  'meter_key',
  'resource_key',
  'subscription_id',
  'meter_id',
  'resource_uri',
  'location',
  'tags',
  'additional_info',
  'quantity',
  'event_count',
  'first_offset',
  'last_offset',
  'generation',
] as const;

/** Bytes of a row without its texts. */
const FIXED_BYTES = 4 * 3 + LIMBS * 4 + 8 * 3 + 2 + 16;

/** Windows as ClickHouse's rows, each as it was when it was added. */
export class WindowRows implements Rows<Window> {
  private readonly rows = new RowBuffer();
  private readonly place: Buffer;
  private readonly hour: Hour;
  private readonly hourMillis: number;

  constructor(place: Place, hour: Hour) {
    this.place = placeBytes(place);
    this.hour = hour;
    this.hourMillis = place.source.hourMillis;
  }

  get length(): number {
    return this.rows.rows;
  }

  get packed(): PackedRows {
    return { columns: WINDOW_COLUMNS, bytes: this.rows.written() };
  }

  add(window: number, table: WindowTable, series: SeriesTable, texts: TextTable): void {
    const { rows, place, hour, hourMillis } = this;
    const firstSeries = table.seriesOf(window);
    const firstTexts = table.textsOf(window);
    const identityAt = series.startOf(firstSeries);
    const identityEnd = series.endOf(firstSeries);
    const textsAt = texts.startOf(firstTexts);
    const textsEnd = texts.endOf(firstTexts);
    rows.reserve(place.length + FIXED_BYTES + 2 * (identityEnd - identityAt) + textsEnd - textsAt);
    rows.copy(place, 0, place.length);
    rows.uint32(hour / 1000);
    const usageHour = table.usageHourOf(window);
    rows.uint32(usageHour / 1000);
    rows.uint32(nextHour(usageHour, hourMillis) / 1000);
    for (const [at, length] of series.partsOf(firstSeries)) {
      rows.length(length);
      for (let n = 0; n < length; n++) rows.byte(lowerByte(series.texts[at + n] ?? 0));
    }
    rows.copy(series.texts, identityAt, identityEnd);
    rows.copy(texts.texts, textsAt, textsEnd);
    rows.limbs(table.quantities, window * LIMBS);
    rows.int64(table.eventsOf(window));
    rows.int64(table.firstOffsetOf(window));
    rows.int64(table.lastOffsetOf(window));
    rows.uint16(0);
    rows.rows++;
  }

  *[Symbol.iterator](): Iterator<Window> {
    const reader = new RowReader(this.rows.written());
    while (!reader.isAtEnd) {
      reader.skip(this.place.length);
      yield readWindow(reader);
    }
  }
}

const readWindow = (reader: RowReader): Window => {
  reader.uint32(); // the reported hour
  const usageHour = (reader.uint32() * 1000) as Hour;
  reader.uint32(); // its end
  const window = {
    usageHour,
    subscriptionKey: reader.text(),
    meterKey: reader.text(),
    resourceKey: reader.text(),
    subscriptionId: reader.text(),
    meterId: reader.text(),
    resourceUri: reader.text(),
    location: reader.text(),
    tags: reader.optionalText(),
    additionalInfo: reader.optionalText(),
    quantity: quantityOf(reader.limbs()),
    eventCount: reader.int64(),
    firstOffset: reader.int64(),
    lastOffset: reader.int64(),
  };
  reader.skip(2); // its generation
  return window;
};
