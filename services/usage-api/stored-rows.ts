import {
  addQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
} from '../shared/model/decimal.ts';
import { TEXTS, type EventTexts } from '../shared/model/event-texts.ts';
import type { RowKey } from './continuation-token.ts';

/** The texts of a row, in the order of `pageSql`. */
const NAMES = ['subscriptionKey', 'meterKey', 'resourceKey', 'quantity'] as const;
type Name = (typeof NAMES)[number] | keyof EventTexts;

const FIELDS = [...NAMES.map((name) => ({ name, isNullable: false })), ...TEXTS];

/** The place of a text in a row. */
const fieldOf = (name: Name): number => FIELDS.findIndex((field) => field.name === name);

const [SUBSCRIPTION_KEY, METER_KEY, RESOURCE_KEY, QUANTITY] = NAMES.map(fieldOf) as [
  number,
  number,
  number,
  number,
];

export const TEXT_FIELDS = Object.fromEntries(
  TEXTS.map(({ name }) => [name, fieldOf(name)]),
) as Readonly<Record<keyof EventTexts, number>>;

/** Where a row of `pageSql` in RowBinary has its values. */
class StoredRow {
  usageStart = 0;
  usageEnd = 0;
  /** Of the values that make the key. They come first. */
  keyStart = 0;
  keyEnd = 0;
  /** Of each text; a text that is null begins at -1. */
  readonly starts = new Int32Array(FIELDS.length);
  readonly ends = new Int32Array(FIELDS.length);
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Reads the row at a position; returns the position behind it. */
  read(at: number): number {
    this.at = at;
    this.keyStart = at;
    this.usageStart = this.number();
    for (let field = 0; field < QUANTITY; field++) this.text(field);
    this.keyEnd = this.at;
    this.usageEnd = this.number();
    for (let field = QUANTITY; field < FIELDS.length; field++) {
      if (FIELDS[field]?.isNullable !== true || this.bytes.readUInt8(this.at++) === 0)
        this.text(field);
      else this.starts[field] = -1;
    }
    if (this.at > this.bytes.length) throw new Error('ClickHouse gave rows that end within a row');
    return this.at;
  }

  private number(): number {
    this.at += 4;
    return this.bytes.readUInt32LE(this.at - 4);
  }

  /** A text stands behind its length, which is written in groups of seven bits, the lowest first. */
  private text(field: number): void {
    let length = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.bytes.readUInt8(this.at++);
      length += (byte & 127) * factor;
      if (byte < 128) break;
    }
    this.starts[field] = this.at;
    this.at += length;
    this.ends[field] = this.at;
  }
}

/**
 * Goes through the rows of `pageSql`, from one key to the next. Neighbours with the same key come from several source
 * partitions. They are added up as the engine's `GROUP BY` does it: with the texts of the first of them.
 */
export class StoredRows {
  readonly bytes: Buffer;
  /** The exact sum, as decimal text. */
  quantity = '';
  usageEnd = 0;
  private readonly limit: number;
  private row: StoredRow;
  private ahead: StoredRow;
  private at = 0;
  private count = 0;

  /** @param limit that of the statement: if there are as many rows, the last key may have others behind it */
  constructor(bytes: Buffer, limit: number) {
    this.bytes = bytes;
    this.limit = limit;
    this.row = new StoredRow(bytes);
    this.ahead = new StoredRow(bytes);
  }

  /** Whether the limit has ended the rows, so that others follow. Known at the end. */
  get more(): boolean {
    return this.count >= this.limit;
  }

  /** Goes to the next key. False behind the last one that is whole. */
  next(): boolean {
    if (this.count === 0) this.readAhead();
    if (this.at < 0) return false;
    [this.row, this.ahead] = [this.ahead, this.row];
    this.quantity = this.quantityOf(this.row);
    this.usageEnd = this.row.usageEnd;
    let sum: Quantity | null = null;
    while (this.readAhead() && this.isSameKey()) {
      sum = addQuantities(sum ?? exact(this.quantity), exact(this.quantityOf(this.ahead)));
      this.usageEnd = Math.max(this.usageEnd, this.ahead.usageEnd);
    }
    if (sum !== null) this.quantity = formatQuantity(sum);
    return this.at >= 0 || !this.more;
  }

  get usageStart(): number {
    return this.row.usageStart;
  }

  /** Where a text of `TEXT_FIELDS` begins; -1 if it is null. */
  start(field: number): number {
    return this.row.starts[field] ?? -1;
  }

  end(field: number): number {
    return this.row.ends[field] ?? -1;
  }

  key(): RowKey {
    return {
      usageStart: this.usageStart,
      subscriptionKey: this.textOf(this.row, SUBSCRIPTION_KEY),
      meterKey: this.textOf(this.row, METER_KEY),
      resourceKey: this.textOf(this.row, RESOURCE_KEY),
    };
  }

  /** False behind the last row. */
  private readAhead(): boolean {
    if (this.at >= this.bytes.length) this.at = -1;
    if (this.at < 0) return false;
    this.at = this.ahead.read(this.at);
    this.count++;
    return true;
  }

  private isSameKey(): boolean {
    const { bytes, row, ahead } = this;
    const length = row.keyEnd - row.keyStart;
    if (ahead.keyEnd - ahead.keyStart !== length) return false;
    // From behind: neighbours differ in the last letters of their resources.
    for (let n = 1; n <= length; n++) {
      if (bytes[row.keyEnd - n] !== bytes[ahead.keyEnd - n]) return false;
    }
    return true;
  }

  private quantityOf(row: StoredRow): string {
    return this.textOf(row, QUANTITY);
  }

  private textOf({ starts, ends }: StoredRow, field: number): string {
    return this.bytes.toString('utf8', starts[field], ends[field]);
  }
}

const exact = (text: string): Quantity => {
  const quantity = parseQuantity(text);
  if (quantity === null) throw new Error('ClickHouse gave a quantity that is none');
  return quantity;
};
