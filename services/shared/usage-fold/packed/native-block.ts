import type { PackedRows } from '../rows.ts';
import { writeLength } from './text-bytes.ts';

if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1) {
  throw new Error('columns are sent as they are in memory, which must be little-endian');
}

/** A column of a block in ClickHouse's Native format. */
export interface NativeColumn {
  readonly name: string;
  /** The type that is sent. ClickHouse converts it if the table has another type. */
  readonly type: string;
  readonly data: readonly Uint8Array[];
}

const textBytes = (text: string): Buffer => {
  const bytes = Buffer.alloc(5 + text.length * 3);
  const at = writeLength(bytes, 0, Buffer.byteLength(text));
  return bytes.subarray(0, at + bytes.write(text, at));
};

const lengthBytes = (length: number): Buffer => {
  const bytes = Buffer.alloc(5);
  return bytes.subarray(0, writeLength(bytes, 0, length));
};

/**
 * Rows as one block in ClickHouse's Native format: the numbers of columns and rows, then each column with
 * name, type and data. Source: ClickHouse documentation, "Native".
 *
 * @param texts the bytes of all texts, as if each row had its own
 */
export const nativeBlock = (
  rows: number,
  columns: readonly NativeColumn[],
  texts: number,
): PackedRows => {
  const bytes = [
    lengthBytes(columns.length),
    lengthBytes(rows),
    ...columns.flatMap(({ name, type, data }) => [textBytes(name), textBytes(type), ...data]),
  ];
  return {
    columns: columns.map(({ name }) => name),
    bytes,
    memory: bytes.reduce((sum, { length }) => sum + length, texts),
  };
};

/** Some rows of a block: from one up to another one that is not included. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

const lengthOf = ({ from, to }: RowRange): number => to - from;

/** A column of the numbers of some rows, `each` numbers for each row. */
export const numbers = (
  name: string,
  type: string,
  array: Uint32Array | Uint16Array,
  rows: RowRange,
  each = 1,
): NativeColumn => {
  const { buffer, byteOffset, BYTES_PER_ELEMENT } = array;
  const width = each * BYTES_PER_ELEMENT;
  const data = new Uint8Array(buffer, byteOffset + rows.from * width, lengthOf(rows) * width);
  return { name, type, data: [data] };
};

/** A column that has the same number in every row. */
export const sameNumber = (
  name: string,
  type: 'UInt16' | 'UInt32',
  value: number,
  rows: RowRange,
): NativeColumn => {
  const length = lengthOf(rows);
  const array = type === 'UInt16' ? new Uint16Array(length) : new Uint32Array(length);
  return numbers(name, type, array.fill(value), { from: 0, to: length });
};

/** Types of times: seconds, and milliseconds. */
export const UTC = "DateTime('UTC')";
export const UTC_MILLIS = "DateTime64(3, 'UTC')";

/** The header of a LowCardinality column, and what precedes its dictionary and its rows. */
const SHARED_DICTIONARIES = 1;
const INDEX_UINT32 = 2;
const HAS_ADDITIONAL_KEYS = 0x200;

const word64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(value, 0);
  return bytes;
};

/**
 * A column of texts. Each text is sent once, and each row has the number of its text. In a nullable column,
 * text 0 stands for null. Source: `SerializationLowCardinality.cpp` of ClickHouse.
 */
export const lowCardinality = (
  name: string,
  type: 'String' | 'Nullable(String)',
  texts: { readonly size: number; readonly written: Uint8Array },
  indexes: Uint32Array,
  rows: RowRange,
): NativeColumn => ({
  name,
  type: `LowCardinality(${type})`,
  data: [
    word64(SHARED_DICTIONARIES),
    word64(INDEX_UINT32 | HAS_ADDITIONAL_KEYS),
    word64(texts.size),
    texts.written,
    word64(lengthOf(rows)),
    ...numbers(name, type, indexes, rows).data,
  ],
});

/** A column that has the same text in every row. */
export const sameText = (name: string, text: string, rows: RowRange): NativeColumn => {
  const texts = { size: 1, written: textBytes(text) };
  const length = lengthOf(rows);
  return lowCardinality(name, 'String', texts, new Uint32Array(length), { from: 0, to: length });
};
