import type { Hour } from '../model/time.ts';
import { idWords, type EventTable } from '../usage-fold/event-table.ts';

/** Columns of an id of `usage_events AS e`, in the order in which `IdRows` reads them in RowBinary. */
export const idColumns = (offset = 'toInt64(e.offset)'): string =>
  `e.usage_hour, e.event_id, ${offset}, e.content_digest`;

const ROW_BYTES = 4 + 16 + 8 + 8;
const TWO_32 = 0x100000000;

/** Enters ids into the tables of their usage hours, as they come in RowBinary. */
export class IdRows {
  private readonly tables: ReadonlyMap<Hour, EventTable>;
  /** The beginning of a row whose end has not come yet. */
  private rest: Buffer = Buffer.alloc(0);
  private readonly id = idWords();

  constructor(tables: ReadonlyMap<Hour, EventTable>) {
    this.tables = tables;
  }

  take(part: Buffer): void {
    const bytes = this.rest.length === 0 ? part : Buffer.concat([this.rest, part]);
    let at = 0;
    for (; at + ROW_BYTES <= bytes.length; at += ROW_BYTES) this.enter(bytes, at);
    this.rest = bytes.subarray(at);
  }

  /** @throws if the last row is not whole */
  end(): void {
    if (this.rest.length > 0) throw new Error('ClickHouse gave ids that end within a row');
  }

  private enter(bytes: Buffer, at: number): void {
    const hour = (bytes.readUInt32LE(at) * 1000) as Hour;
    const offset = bytes.readUInt32LE(at + 20) + bytes.readInt32LE(at + 24) * TWO_32;
    // A UUID is two numbers of 64 bits in little-endian.
    const { id } = this;
    id[0] = bytes.readInt32LE(at + 8);
    id[1] = bytes.readInt32LE(at + 4);
    id[2] = bytes.readInt32LE(at + 16);
    id[3] = bytes.readInt32LE(at + 12);
    this.tables
      .get(hour)
      ?.enterFirst(id, offset, bytes.readInt32LE(at + 32), bytes.readInt32LE(at + 28));
  }
}
