import {
  ATTRIBUTES,
  IDENTITY,
  TEXT_COLUMNS,
  textsFrom,
  type EventTexts,
} from '../../model/event-texts.ts';
import { identityKeys } from '../../model/placement.ts';
import type { Hour } from '../../model/time.ts';
import type { Window } from '../window.ts';
import { attributePlaces, identityPlaces, textsAt, type TextPlaces } from './event-layout.ts';
import { LIMBS, quantityOf } from './limbs.ts';
import { ViewedBytes } from './viewed-bytes.ts';

/** The columns of `usage_hourly` in the order in which `StoredWindows` reads them. */
export const STORED_WINDOW_COLUMNS = [
  'usage_hour',
  ...TEXT_COLUMNS,
  'quantity',
  'event_count',
  'first_offset',
  'last_offset',
];

const TWO_32 = 0x100000000;

/** One row, as it stands in the bytes of all. Its fields change with the next row. */
export class StoredWindow {
  readonly source: ViewedBytes;
  readonly identity = identityPlaces();
  readonly attributes = attributePlaces();
  readonly limbs = new Uint32Array(LIMBS);
  usageHour = 0 as Hour;
  eventCount = 0;
  firstOffset = 0;
  lastOffset = 0;
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.source = new ViewedBytes(bytes);
  }

  /** False at the end. @throws RangeError if the last row is not whole */
  read(): boolean {
    const { identity, attributes, limbs } = this;
    if (this.at === this.bytes.length) return false;
    this.usageHour = (this.word() * 1000) as Hour;
    IDENTITY.forEach((_, n) => {
      this.text(identity, n);
    });
    ATTRIBUTES.forEach(({ isNullable }, n) => {
      if (isNullable) this.optional(attributes, n);
      else this.text(attributes, n);
    });
    for (let n = 0; n < LIMBS; n++) limbs[n] = this.word();
    this.eventCount = this.number();
    this.firstOffset = this.number();
    this.lastOffset = this.number();
    return true;
  }

  texts(): EventTexts {
    const { bytes, identity, attributes } = this;
    return textsFrom([...textsAt(bytes, identity), ...textsAt(bytes, attributes)]);
  }

  private word(): number {
    this.at += 4;
    return this.bytes.readUInt32LE(this.at - 4);
  }

  private number(): number {
    const low = this.word();
    return low + this.word() * TWO_32;
  }

  /** Notes where a text stands, and moves behind it. */
  private text(places: TextPlaces, text: number): void {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes.readUInt8(this.at++);
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    places[text * 2] = this.at;
    places[text * 2 + 1] = length;
    this.at += length;
  }

  private optional(places: TextPlaces, text: number): void {
    if (this.bytes.readUInt8(this.at++) === 0) this.text(places, text);
    else {
      places[text * 2] = this.at;
      places[text * 2 + 1] = -1;
    }
  }
}

/** Windows in RowBinary, as the store gives them. */
export class StoredWindows implements Iterable<Window> {
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** All rows, one after the other in one object. */
  *rows(): Generator<StoredWindow, void> {
    const row = new StoredWindow(this.bytes);
    while (row.read()) yield row;
  }

  *[Symbol.iterator](): Iterator<Window> {
    for (const row of this.rows()) {
      const texts = row.texts();
      yield {
        usageHour: row.usageHour,
        ...identityKeys(texts),
        ...texts,
        quantity: quantityOf(row.limbs),
        eventCount: row.eventCount,
        firstOffset: row.firstOffset,
        lastOffset: row.lastOffset,
      };
    }
  }
}
