import type { LedgerEntry } from '../fold.ts';
import type { PackedRows, Rows } from '../rows.ts';
import type { Place } from '../place.ts';
import { EncodedEvent } from './encode-event.ts';
import { LEDGER_COLUMNS, ledgerEntries, placeBytes, type PackedRow } from './ledger-rows.ts';
import { LIMBS, writeQuantity } from './limbs.ts';
import { RowBuffer } from './row-buffer.ts';
import { identityBytes, writeIdentity } from './series-table.ts';
import { textsBytes, writeTexts } from './text-table.ts';

const emptyRow = (): PackedRow => ({
  offset: 0,
  bytes: Buffer.alloc(0),
  eventId: 0,
  digestHigh: 0,
  digestLow: 0,
  reportedTime: 0,
  reportedHour: 0,
  usageHour: 0,
  usageStart: 0,
  usageEnd: 0,
  identity: Buffer.alloc(0),
  identityStart: 0,
  identityEnd: 0,
  quantity: new Uint32Array(LIMBS),
  texts: Buffer.alloc(0),
  textsStart: 0,
  textsEnd: 0,
});

/** Used only within one call, so all ledgers share it. */
const encoded = new EncodedEvent();

/** Bytes of a row without its texts. */
const FIXED_BYTES = 8 + 16 + 8 + 8 + 4 + 4 + 8 + 8 + 32;

/** Accepted events as rows of the ledger. */
export class PackedLedger implements Rows<LedgerEntry> {
  private readonly place: Buffer;
  private readonly rows = new RowBuffer();
  /** The next row: set its fields, then call `add`. */
  readonly next: PackedRow = emptyRow();

  constructor(place: Place) {
    this.place = placeBytes(place);
  }

  get length(): number {
    return this.rows.rows;
  }

  get packed(): PackedRows {
    return { columns: LEDGER_COLUMNS, bytes: this.rows.written() };
  }

  add(): void {
    const { rows, place, next } = this;
    const identity = next.identityEnd - next.identityStart;
    rows.reserve(place.length + FIXED_BYTES + identity + next.textsEnd - next.textsStart);
    rows.copy(place, 0, place.length);
    rows.int64(next.offset);
    rows.uuid(next.bytes, next.eventId);
    rows.word64(next.digestHigh, next.digestLow);
    rows.int64(next.reportedTime);
    rows.uint32(next.reportedHour / 1000);
    rows.uint32(next.usageHour / 1000);
    rows.int64(next.usageStart);
    rows.int64(next.usageEnd);
    rows.copy(next.identity, next.identityStart, next.identityEnd);
    rows.limbs(next.quantity, 0);
    rows.copy(next.texts, next.textsStart, next.textsEnd);
    rows.rows++;
  }

  push({ offset, reportedTime, reportedHour, candidate }: LedgerEntry): void {
    const { next } = this;
    const { event, quantity, usageHour, digest } = candidate;
    encoded.encode(event);
    const { bytes, layout } = encoded;
    next.identity = Buffer.alloc(identityBytes(layout));
    next.identityStart = 0;
    next.identityEnd = writeIdentity(next.identity, 0, bytes, layout);
    next.texts = Buffer.alloc(textsBytes(layout));
    next.textsStart = 0;
    next.textsEnd = writeTexts(next.texts, 0, bytes, layout);
    next.offset = offset;
    next.bytes = event.eventId;
    next.eventId = 0;
    next.digestHigh = Number(digest >> 32n);
    next.digestLow = Number(digest & 0xffffffffn);
    next.reportedTime = reportedTime;
    next.reportedHour = reportedHour;
    next.usageHour = usageHour;
    next.usageStart = event.usageStartTime;
    next.usageEnd = event.usageEndTime;
    writeQuantity(quantity, next.quantity);
    this.add();
  }

  [Symbol.iterator](): Iterator<LedgerEntry> {
    return ledgerEntries(this.packed.bytes, this.place.length)[Symbol.iterator]();
  }
}
