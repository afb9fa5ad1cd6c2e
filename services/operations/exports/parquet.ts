import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import type { Column, RowBlocks, RowWriter } from './column.ts';

/** The rows that are held until their columns are written. */
const ROW_GROUP = 20_000;
/** The most digits of a decimal in 32 bytes, as in ClickHouse's `Decimal(76, …)`. */
const DECIMAL_DIGITS = 76;
const DECIMAL_BYTES = 32;

const elementOf = <Row>(column: Column<Row>): SchemaElement => {
  const { name } = column;
  switch (column.type) {
    case 'text':
    case 'json':
      return {
        name,
        type: 'BYTE_ARRAY',
        converted_type: 'UTF8',
        logical_type: { type: 'STRING' },
        repetition_type: 'OPTIONAL',
      };
    case 'time':
      return {
        name,
        type: 'INT64',
        converted_type: 'TIMESTAMP_MILLIS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
        repetition_type: 'REQUIRED',
      };
    case 'decimal':
      return {
        name,
        type: 'FIXED_LEN_BYTE_ARRAY',
        type_length: DECIMAL_BYTES,
        converted_type: 'DECIMAL',
        scale: column.scale,
        precision: DECIMAL_DIGITS,
        repetition_type: 'OPTIONAL',
      };
  }
};

const dataOf = <Row>(column: Column<Row>, rows: readonly Row[]): (string | bigint | null)[] =>
  column.type === 'time'
    ? rows.map((row) => BigInt(column.of(row)))
    : rows.map((row) => column.of(row));

const blocksOf = async function* <Row>(blocks: RowBlocks<Row>): AsyncGenerator<readonly Row[]> {
  let held: Row[] = [];
  for await (const rows of blocks) {
    for (const row of rows) held.push(row);
    while (held.length >= ROW_GROUP) {
      yield held.slice(0, ROW_GROUP);
      held = held.slice(ROW_GROUP);
    }
  }
  if (held.length > 0) yield held;
};

/** Takes what was written so far, so that a file may be larger than memory. */
const drain = (bytes: ByteWriter): Uint8Array => {
  const taken = bytes.getBytes().slice();
  bytes.index = 0;
  return taken;
};

/** Apache Parquet. The bytes depend on the rows alone, not on the blocks in which they arrive. */
export const parquet: RowWriter = async function* (columns, blocks) {
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({
    writer: bytes,
    schema: [{ name: 'root', num_children: columns.length }, ...columns.map(elementOf)],
    createdBy: 'usagectl',
  });
  for await (const rows of blocksOf(blocks)) {
    await writer.write({
      columnData: columns.map((column) => ({ name: column.name, data: dataOf(column, rows) })),
      rowGroupSize: ROW_GROUP,
    });
    yield drain(bytes);
  }
  await writer.finish();
  yield drain(bytes);
};
