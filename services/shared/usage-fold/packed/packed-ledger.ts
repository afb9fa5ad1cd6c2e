import { quantityToBytes } from '../../model/decimal.ts';
import { ATTRIBUTES, IDENTITY, textsFrom } from '../../model/event-texts.ts';
import { identityKeys } from '../../model/placement.ts';
import { millis, type Hour } from '../../model/time.ts';
import { digestOf } from '../content-digest.ts';
import { wordsOf, type IdWords } from '../event-table.ts';
import type { Ledger, LedgerEntry } from '../fold.ts';
import type { PackedRows, Rows } from '../rows.ts';
import { Segment, type Block } from './segment.ts';
import type { Place } from '../place.ts';
import { BlockTexts } from './block-texts.ts';
import { copiedInto } from './growing.ts';
import { EncodedEvent } from './encode-event.ts';
import { LIMBS, quantityOf, writeQuantity } from './limbs.ts';
import {
  nativeBlock,
  numbers,
  sameNumber,
  sameText,
  UTC,
  UTC_MILLIS,
  type NativeColumn,
} from './native-block.ts';
import { int64Of, setInt64 } from './words.ts';

const ID_WORDS = 4;
const FIRST_ROWS = 16;

/** Used only within one call, so all ledgers share it. */
const encoded = new EncodedEvent();
const limbs = new Uint32Array(LIMBS);

/** The numbers of the next row. */
export interface LedgerRow {
  offset: number;
  digestHigh: number;
  digestLow: number;
  /** Milliseconds since 1970, like all times here. */
  reportedTime: number;
  reportedHour: number;
  usageHour: number;
  usageStart: number;
  usageEnd: number;
}

/** Arrays with room for the same number of rows. */
const columnsOf = (rows: number) => ({
  offsets: new Uint32Array(rows * 2),
  ids: new Uint32Array(rows * ID_WORDS),
  digests: new Uint32Array(rows * 2),
  reportedTimes: new Uint32Array(rows * 2),
  /** Seconds since 1970. */
  reportedHours: new Uint32Array(rows),
  usageHours: new Uint32Array(rows),
  starts: new Uint32Array(rows * 2),
  ends: new Uint32Array(rows * 2),
  quantities: new Uint32Array(rows * LIMBS),
});

/** Accepted events as the columns of the ledger. */
export class LedgerBlock implements Block<LedgerEntry> {
  private readonly place: Place;
  /** Set this before calling `add`. */
  readonly next: LedgerRow = {
    offset: 0,
    digestHigh: 0,
    digestLow: 0,
    reportedTime: 0,
    reportedHour: 0,
    usageHour: 0,
    usageStart: 0,
    usageEnd: 0,
  };
  /** Set this for row `length` before calling `add`. */
  readonly identities = new BlockTexts(IDENTITY);
  readonly attributes = new BlockTexts(ATTRIBUTES);
  private readonly expected: number;
  /** No array before the first row: an owner without records holds no memory for them. */
  private room = 0;
  private columns = columnsOf(0);
  private rows = 0;

  /** @param expected about so many rows, so that arrays of the right size need not be copied */
  constructor(place: Place, expected = 0) {
    this.place = place;
    this.expected = expected;
  }

  get length(): number {
    return this.rows;
  }

  /** Adds a row with an id and a quantity. */
  add(id: IdWords, quantity: Uint32Array): void {
    if (this.rows === this.room) this.grow();
    const { columns, next } = this;
    const row = this.rows++;
    setInt64(columns.offsets, row, next.offset);
    // A UUID is two 64-bit numbers, the high one first.
    columns.ids[row * ID_WORDS] = id[1] ?? 0;
    columns.ids[row * ID_WORDS + 1] = id[0] ?? 0;
    columns.ids[row * ID_WORDS + 2] = id[3] ?? 0;
    columns.ids[row * ID_WORDS + 3] = id[2] ?? 0;
    columns.digests[row * 2] = next.digestLow;
    columns.digests[row * 2 + 1] = next.digestHigh;
    setInt64(columns.reportedTimes, row, next.reportedTime);
    columns.reportedHours[row] = next.reportedHour / 1000;
    columns.usageHours[row] = next.usageHour / 1000;
    setInt64(columns.starts, row, next.usageStart);
    setInt64(columns.ends, row, next.usageEnd);
    for (let n = 0; n < LIMBS; n++) columns.quantities[row * LIMBS + n] = quantity[n] ?? 0;
  }

  push({ offset, reportedTime, reportedHour, candidate }: LedgerEntry): void {
    const { next, rows } = this;
    const { event, quantity, usageHour, digest } = candidate;
    encoded.encode(event);
    const { source, layout } = encoded;
    this.identities.setOwn(rows, source.bytes, layout.identity);
    this.attributes.setOwn(rows, source.bytes, layout.attributes);
    next.offset = offset;
    next.digestHigh = Number(digest >> 32n);
    next.digestLow = Number(digest & 0xffffffffn);
    next.reportedTime = reportedTime;
    next.reportedHour = reportedHour;
    next.usageHour = usageHour;
    next.usageStart = event.usageStartTime;
    next.usageEnd = event.usageEndTime;
    writeQuantity(quantity, limbs);
    this.add(wordsOf(event.eventId), limbs);
  }

  packed(from: number, to: number): PackedRows {
    const { place, columns, identities, attributes } = this;
    const some = { from, to };
    const block: readonly NativeColumn[] = [
      sameText('topic', place.topic, some),
      sameNumber('epoch', 'UInt32', place.epoch, some),
      sameNumber('partition', 'UInt16', place.partition, some),
      numbers('offset', 'UInt64', columns.offsets, some, 2),
      numbers('event_id', 'UUID', columns.ids, some, ID_WORDS),
      numbers('content_digest', 'UInt64', columns.digests, some, 2),
      numbers('reported_time', UTC_MILLIS, columns.reportedTimes, some, 2),
      numbers('reported_hour', UTC, columns.reportedHours, some),
      numbers('usage_hour', UTC, columns.usageHours, some),
      numbers('usage_start', UTC_MILLIS, columns.starts, some, 2),
      numbers('usage_end', UTC_MILLIS, columns.ends, some, 2),
      ...identities.columns(some),
      numbers('quantity', 'Decimal(76, 30)', columns.quantities, some, LIMBS),
      ...attributes.columns(some),
    ];
    return nativeBlock(to - from, block, identities.bytesOf(some) + attributes.bytesOf(some));
  }

  row(row: number): LedgerEntry {
    const { columns } = this;
    const { identities, attributes } = this;
    const texts = textsFrom([...identities.stringsOf(row), ...attributes.stringsOf(row)]);
    const quantity = quantityOf(columns.quantities, row * LIMBS);
    const [low = 0, high = 0] = columns.digests.subarray(row * 2, row * 2 + 2);
    return {
      offset: int64Of(columns.offsets, row),
      reportedTime: millis(int64Of(columns.reportedTimes, row)),
      reportedHour: ((columns.reportedHours[row] ?? 0) * 1000) as Hour,
      candidate: {
        event: {
          eventId: this.idOf(row),
          ...texts,
          usageStartTime: millis(int64Of(columns.starts, row)),
          usageEndTime: millis(int64Of(columns.ends, row)),
          quantity: quantityToBytes(quantity),
        },
        quantity,
        usageHour: ((columns.usageHours[row] ?? 0) * 1000) as Hour,
        ...identityKeys(texts),
        digest: digestOf(high, low),
      },
    };
  }

  private idOf(row: number): Buffer {
    const id = Buffer.alloc(ID_WORDS * 4);
    const words = this.columns.ids.subarray(row * ID_WORDS);
    [words[1], words[0], words[3], words[2]].forEach((word = 0, n) =>
      id.writeUInt32BE(word, n * 4),
    );
    return id;
  }

  private grow(): void {
    this.room = Math.max(FIRST_ROWS, this.expected, this.room * 2);
    this.columns = copiedInto(columnsOf(this.room), this.columns);
  }
}

/** The accepted events since the last cut. Those of successive cuts stand in one block, until `next`. */
export class PackedLedger implements Ledger {
  readonly block: LedgerBlock;
  private readonly place: Place;
  private from = 0;

  /** @param expected about so many rows */
  constructor(place: Place, expected = 0) {
    this.place = place;
    this.block = new LedgerBlock(place, expected);
  }

  get length(): number {
    return this.block.length - this.from;
  }

  push(entry: LedgerEntry): void {
    this.block.push(entry);
  }

  /** Takes the rows since the last call. */
  take(): Rows<LedgerEntry> {
    const { block, from } = this;
    this.from = block.length;
    return new Segment(block, from, block.length);
  }

  /** An empty ledger with a block of its own. */
  next(): PackedLedger {
    return new PackedLedger(this.place, this.block.length);
  }

  [Symbol.iterator](): Iterator<LedgerEntry> {
    return new Segment(this.block, this.from, this.block.length)[Symbol.iterator]();
  }
}
