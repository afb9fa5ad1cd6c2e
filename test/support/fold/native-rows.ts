import type { PackedRows } from '../../../services/shared/usage-fold/rows.ts';

/** A row of a block, by the names of its columns: numbers as they are stored, and texts. */
export type NativeRow = Readonly<Record<string, bigint | string | null>>;

const WIDTHS: Readonly<Record<string, number>> = {
  UInt16: 2,
  UInt32: 4,
  UInt64: 8,
  UUID: 16,
  'Decimal(76, 30)': 32,
  "DateTime('UTC')": 4,
  "DateTime64(3, 'UTC')": 8,
};

class NativeReader {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  /** A number without sign of so many bytes, the lowest first. */
  number(width: number): bigint {
    this.at += width;
    const hex = Buffer.from(this.bytes.subarray(this.at - width, this.at)).reverse();
    return BigInt(`0x${hex.toString('hex')}`);
  }

  length(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.bytes.readUInt8(this.at++);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  text(): string {
    const end = this.length() + this.at;
    const text = this.bytes.toString('utf8', this.at, end);
    this.at = end;
    return text;
  }

  /** The values of a column. @throws if it is not what ClickHouse could read */
  column(type: string, rows: number): readonly (bigint | string | null)[] {
    if (!type.startsWith('LowCardinality')) {
      const width = WIDTHS[type];
      if (width === undefined) throw new Error(`type ${type} is not known here`);
      return Array.from({ length: rows }, () => this.number(width));
    }
    this.number(16); // that it has one dictionary, with numbers of four bytes
    const size = Number(this.number(8));
    const texts = Array.from({ length: size }, () => this.text());
    if (this.number(8) !== BigInt(rows)) throw new Error('a column has another number of rows');
    return Array.from({ length: rows }, () => {
      const index = Number(this.number(4));
      const text = texts[index];
      if (text === undefined) throw new Error('a row has a text that is not there');
      return index === 0 && type.includes('Nullable') ? null : text;
    });
  }
}

/** Reads a block in ClickHouse's Native format, as this project writes it. */
export const nativeRows = ({ bytes }: PackedRows): readonly NativeRow[] => {
  const reader = new NativeReader(Buffer.concat(bytes));
  const columns = reader.length();
  const rows: Record<string, bigint | string | null>[] = Array.from(
    { length: reader.length() },
    () => ({}),
  );
  for (let column = 0; column < columns; column++) {
    const name = reader.text();
    const values = reader.column(reader.text(), rows.length);
    for (const [n, row] of rows.entries()) row[name] = values[n] ?? null;
  }
  if (!reader.isAtEnd) throw new Error('bytes follow the last column');
  return rows;
};
