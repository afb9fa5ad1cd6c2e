import type { LedgerEntry } from '../fold.ts';
import type { PackedRows, Rows } from '../rows.ts';
import type { Place } from '../place.ts';
import { EncodedEvent } from './encode-event.ts';
import {
  LEDGER_COLUMNS,
  ledgerEntries,
  LedgerRows,
  placeBytes,
  type PackedRow,
} from './ledger-rows.ts';
import { LIMBS, writeQuantity } from './limbs.ts';
import { RowBuffer } from './row-buffer.ts';
import { textsBytes, writeTexts } from './text-table.ts';
import { writeText } from './text-bytes.ts';

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

/** Used within one call, and by all ledgers. */
const encoded = new EncodedEvent();

/** Accepted events as rows of the ledger. */
export class PackedLedger implements Rows<LedgerEntry> {
  private readonly place: Buffer;
  private readonly rows: LedgerRows;
  /** The next row: its fields are set, then `add` is called. */
  readonly next: PackedRow = emptyRow();

  constructor(place: Place) {
    this.place = placeBytes(place);
    this.rows = new LedgerRows(this.place, new RowBuffer());
  }

  get length(): number {
    return this.rows.rows.rows;
  }

  get packed(): PackedRows {
    return { columns: LEDGER_COLUMNS, bytes: this.rows.rows.written() };
  }

  add(): void {
    this.rows.add(this.next);
  }

  push({ offset, reportedTime, reportedHour, candidate }: LedgerEntry): void {
    const { next } = this;
    const { event, quantity, usageHour, digest } = candidate;
    encoded.encode(event);
    const { bytes, layout } = encoded;
    const identity = Buffer.alloc(
      layout.subscriptionLength + layout.meterLength + layout.resourceLength + 12,
    );
    let end = writeText(identity, 0, bytes, layout.subscription, layout.subscriptionLength);
    end = writeText(identity, end, bytes, layout.meter, layout.meterLength);
    next.identity = identity;
    next.identityStart = 0;
    next.identityEnd = writeText(identity, end, bytes, layout.resource, layout.resourceLength);
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
