import { attributesDigest, identityDigest } from '../content-digest.ts';
import type { Quantity } from '../../model/decimal.ts';
import { textsFrom } from '../../model/event-texts.ts';
import { identityKeys } from '../../model/placement.ts';
import type { Hour } from '../../model/time.ts';
import type { Windows } from '../open-windows.ts';
import type { PackedRows, Rows } from '../rows.ts';
import type { Place } from '../place.ts';
import { windowKey, type Window, type WindowEvent, type WindowIdentity } from '../window.ts';
import { EncodedEvent } from './encode-event.ts';
import { textsAt, type EventLayout, type TextPlaces } from './event-layout.ts';
import { grown } from './growing.ts';
import { NONE } from './hash-index.ts';
import { LIMBS, quantityOf, writeQuantity } from './limbs.ts';
import { Segment } from './segment.ts';
import { SeriesTable } from './series-table.ts';
import { StoredWindows, type StoredWindow } from './stored-windows.ts';
import { TextTable } from './text-table.ts';
import type { ViewedBytes } from './viewed-bytes.ts';
import { WindowRows } from './window-rows.ts';
import { WINDOW_BYTES, WindowTable } from './window-table.ts';
import { WindowTexts } from './window-texts.ts';

/** Used only within one call, so all hours share them. */
const encoded = new EncodedEvent();
const limbs = new Uint32Array(LIMBS);

/** An hour takes over at most this many bytes of texts from the previous hour. */
const MAX_GIVEN_BYTES = 16 * 1024 * 1024;

/** The windows of the open hour in arrays, see `Windows`. */
export class PackedWindows implements Windows, Rows<Window> {
  series: SeriesTable;
  texts: TextTable;
  private written: WindowTexts;
  private table = new WindowTable();
  private readonly place: Place;
  private readonly hour: Hour;
  private whole: boolean;
  /** The windows that were last looked up in the store. */
  private requested = new Set<string>();
  /**
   * The windows that have changed since the last `takeTouched`, and for each window the turn in which it
   * changed.
   */
  private touched = new Int32Array(16);
  private touchedSize = 0;
  private turns = new Uint32Array(16);
  private turn = 1;
  /** The rows of what was touched. Those of successive cuts, of other hours too, are sent together. */
  private block: WindowRows;

  /** Bytes of the texts that were taken over from the hour before. */
  private givenBytes: number;

  /**
   * @param stored the stored windows; null if they do not all fit in memory
   * @param before the windows of the hour before, see `next`
   */
  constructor(
    place: Place,
    hour: Hour,
    stored: Iterable<Window> | null = [],
    before: PackedWindows | null = null,
  ) {
    this.place = place;
    this.hour = hour;
    const given = before !== null && before.textBytes <= MAX_GIVEN_BYTES ? before : null;
    this.series = given?.series ?? new SeriesTable();
    this.texts = given?.texts ?? new TextTable();
    this.written = given?.written ?? new WindowTexts(this.series, this.texts);
    this.givenBytes = given?.textBytes ?? 0;
    this.block = before?.block ?? new WindowRows(place);
    this.whole = stored !== null;
    if (stored instanceof StoredWindows) {
      for (const row of stored.rows()) this.restoreFrom(row.source, row, row);
    } else for (const window of stored ?? []) this.restore(window);
  }

  /**
   * The windows of the hour that follows. Most texts come again in each hour, so it takes over the tables of
   * this one, unless they are large: what was worked out for a series is not worked out again. Entries of
   * these tables never change, so this hour can still be read.
   */
  next(hour: Hour): PackedWindows {
    return new PackedWindows(this.place, hour, [], this);
  }

  get isWhole(): boolean {
    return this.whole;
  }

  get size(): number {
    return this.table.size;
  }

  get length(): number {
    return this.table.size;
  }

  get touchedCount(): number {
    return this.touchedSize;
  }

  [Symbol.iterator](): Iterator<Window> {
    return this.values()[Symbol.iterator]();
  }

  *values(): Iterable<Window> {
    for (let window = 0; window < this.table.size; window++) yield this.windowOf(window);
  }

  add(event: WindowEvent, quantity: Quantity, offset: number): void {
    encoded.encode(event);
    const { source, layout } = encoded;
    const series = this.seriesOf(source, layout.identity);
    let window = this.find(series, event.usageHour);
    if (window === NONE) {
      if (!this.mayOpen(series, event.usageHour)) {
        throw new Error(`the window ${JSON.stringify(windowKey(event))} was not loaded`);
      }
      const texts = this.textsOf(source, layout.attributes);
      window = this.open(series, event.usageHour, texts, offset);
    }
    writeQuantity(quantity, limbs);
    this.addTo(window, limbs, offset);
  }

  /** The series of an event. Adds it if there is none yet. */
  seriesOf(source: ViewedBytes, places: TextPlaces): number {
    const hash = this.series.hash(source, places);
    const found = this.series.find(source, places, hash);
    if (found !== NONE) return found;
    return this.series.add(source, places, hash, identityDigest(textsAt(source.bytes, places)));
  }

  /** The attributes of an event. Adds them if they are new. */
  textsOf(source: ViewedBytes, places: TextPlaces): number {
    const hash = this.texts.hash(source, places);
    const found = this.texts.find(source, places, hash);
    if (found !== NONE) return found;
    return this.texts.add(source, places, hash, attributesDigest(textsAt(source.bytes, places)));
  }

  /** The window of a series; -1 if there is none in memory. */
  find(series: number, usageHour: Hour): number {
    return this.table.find(this.series.identityOf(series), usageHour);
  }

  /** Whether a window that is not in memory is not stored either, so that an event may be its first. */
  mayOpen(series: number, usageHour: Hour): boolean {
    return this.whole || this.requested.has(this.keyOf(series, usageHour));
  }

  open(series: number, usageHour: Hour, texts: number, offset: number): number {
    const identity = this.series.identityOf(series);
    const window = this.table.open(identity, usageHour, series, texts, offset);
    this.turns = grown(this.turns, window + 1);
    return window;
  }

  /** Adds an accepted event to a window. */
  addTo(window: number, quantity: Uint32Array, offset: number): void {
    this.table.add(window, quantity, offset);
    if (this.turns[window] === this.turn) return;
    this.turns[window] = this.turn;
    this.touched = grown(this.touched, this.touchedSize + 1);
    this.touched[this.touchedSize++] = window;
  }

  takeTouched(): Rows<Window> {
    const rows = this.rowsIn(this.block, this.touched.subarray(0, this.touchedSize));
    this.touchedSize = 0;
    this.turn++;
    return rows;
  }

  /** All of them. */
  packed(): PackedRows {
    const all = Int32Array.from({ length: this.size }, (_, window) => window);
    return this.rowsIn(new WindowRows(this.place), all).packed();
  }

  private rowsIn(block: WindowRows, windows: Int32Array): Segment<Window> {
    const from = block.length;
    block.reserve(windows.length);
    for (const window of windows) {
      block.add(this.hour, window, this.table, this.series, this.texts);
    }
    return new Segment(block, from, block.length);
  }

  separate(): void {
    if (this.block.length > 0) this.block = new WindowRows(this.place);
  }

  closed(): Rows<Window> | null {
    return this.whole ? this : null;
  }

  missing(identities: readonly WindowIdentity[]): WindowIdentity[] {
    if (this.whole) return [];
    const asked = new Map<string, WindowIdentity>();
    for (const each of identities) {
      const key = windowKey(each);
      if (!asked.has(key) && !this.holds(each)) asked.set(key, each);
    }
    return [...asked.values()];
  }

  load(asked: readonly WindowIdentity[], found: readonly Window[]): void {
    this.requested = new Set(asked.map(windowKey));
    for (const window of found) this.restore(window);
  }

  exceeds(maxBytes: number): boolean {
    return this.bytes > maxBytes;
  }

  /** Evicts all windows. Those that are wanted must be loaded again. */
  evict(): void {
    this.series = new SeriesTable();
    this.texts = new TextTable();
    this.written = new WindowTexts(this.series, this.texts);
    this.givenBytes = 0;
    this.table = new WindowTable();
    this.requested.clear();
    this.whole = false;
    this.turn++;
  }

  private get bytes(): number {
    return this.textBytes - this.givenBytes + this.table.size * WINDOW_BYTES;
  }

  private get textBytes(): number {
    return this.series.bytes + this.texts.bytes;
  }

  private holds(identity: WindowIdentity): boolean {
    encoded.encodeIdentity({
      subscriptionId: identity.subscriptionKey,
      meterId: identity.meterKey,
      resourceUri: identity.resourceKey,
    });
    const { source, layout } = encoded;
    const { identity: places } = layout;
    const hash = this.series.hash(source, places);
    const found = this.series.identityLike(source, places, hash);
    return found !== NONE && this.table.find(found, identity.usageHour) !== NONE;
  }

  /** Adds a stored window. Its series is that of its first event. */
  private restore(stored: Window): void {
    encoded.encode(stored);
    const { source, layout } = encoded;
    writeQuantity(stored.quantity, limbs);
    const { usageHour, eventCount, firstOffset, lastOffset } = stored;
    const numbers = { usageHour, eventCount, firstOffset, lastOffset, limbs };
    this.restoreFrom(source, layout, numbers);
  }

  private restoreFrom(
    source: ViewedBytes,
    { identity, attributes }: Pick<EventLayout, 'identity' | 'attributes'>,
    numbers: Pick<
      StoredWindow,
      'usageHour' | 'eventCount' | 'firstOffset' | 'lastOffset' | 'limbs'
    >,
  ): void {
    const series = this.seriesOf(source, identity);
    const texts = this.textsOf(source, attributes);
    const window = this.open(series, numbers.usageHour, texts, numbers.firstOffset);
    this.table.restore(window, numbers.limbs, numbers.eventCount, numbers.lastOffset);
  }

  private keyOf(series: number, usageHour: Hour): string {
    return windowKey({ usageHour, ...identityKeys(textsFrom(this.series.stringsOf(series))) });
  }

  private windowOf(window: number): Window {
    const { table } = this;
    return {
      usageHour: table.usageHourOf(window),
      quantity: quantityOf(table.quantities, window * LIMBS),
      eventCount: table.eventsOf(window),
      firstOffset: table.firstOffsetOf(window),
      lastOffset: table.lastOffsetOf(window),
      // Last, because V8 makes such objects fastest.
      ...this.written.of(table.seriesOf(window), table.textsOf(window)),
    };
  }
}
