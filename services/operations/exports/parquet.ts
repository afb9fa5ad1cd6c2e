import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import { decimalText } from '../../shared/model/decimal.ts';
import { UserError } from '../../shared/process/errors.ts';
import type { Column, RowBlocks, RowWriter } from './column.ts';

/** The rows that are held until their columns are written. */
const ROW_GROUP = 20_000;

/**
 * How decimals stand in a file:
 *
 * |      | type                                            | readers                            |
 * |------|-------------------------------------------------|------------------------------------|
 * | 38   | decimal of 38 digits; what does not fit exactly | all                                |
 * |      | is refused                                      |                                    |
 * | 76   | decimal of 76 digits, which every value fits    | Arrow, pandas, ClickHouse          |
 * | text | text with all digits                            | all, which have to turn it into a  |
 * |      |                                                 | number                             |
 */
export const DECIMALS = ['38', '76', 'text'] as const;
export type Decimals = (typeof DECIMALS)[number];

const WIDTHS = { '38': 16, '76': 32 } as const;
const NARROW_DIGITS = 38;
/**
 * The most decimal places of 38 digits, so that there is room for 8 before the point. It does not depend on the values: all files of an
 * export have the same types. Costs of the recorded usage have up to 28 places.
 */
const NARROW_SCALE = 30;

type DecimalColumn<Row> = Extract<Column<Row>, { type: 'decimal' }>;

/** The decimal places of a column in the file. */
const scaleOf = <Row>(
  { scale }: DecimalColumn<Row>,
  decimals: Exclude<Decimals, 'text'>,
): number => (decimals === '76' ? scale : Math.min(scale, NARROW_SCALE));

/** @throws UserError if a value has more digits than the type */
const narrow = <Row>(column: DecimalColumn<Row>, value: bigint): bigint => {
  const scale = scaleOf(column, '38');
  const unit = 10n ** BigInt(column.scale - scale);
  const fits = value % unit === 0n;
  const narrowed = value / unit;
  const limit = 10n ** BigInt(NARROW_DIGITS);
  if (fits && -limit < narrowed && narrowed < limit) return narrowed;
  throw new UserError(
    `A row has the ${column.name} ${decimalText(value, column.scale)}, which does not fit decimal(${String(NARROW_DIGITS)}, ${String(scale)}): ` +
      'most readers of Parquet know no wider one. Write this file with --decimals 76, for Arrow, pandas and ClickHouse, or with --decimals text',
  );
};

const textElement = (name: string): SchemaElement => ({
  name,
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  logical_type: { type: 'STRING' },
  repetition_type: 'OPTIONAL',
});

const elementOf = <Row>(column: Column<Row>, decimals: Decimals): SchemaElement => {
  const { name } = column;
  switch (column.type) {
    case 'text':
    case 'json':
      return textElement(name);
    case 'time':
      return {
        name,
        type: 'INT64',
        converted_type: 'TIMESTAMP_MILLIS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
        repetition_type: 'REQUIRED',
      };
    case 'decimal':
      if (decimals === 'text') return textElement(name);
      return {
        name,
        type: 'FIXED_LEN_BYTE_ARRAY',
        type_length: WIDTHS[decimals],
        converted_type: 'DECIMAL',
        scale: scaleOf(column, decimals),
        precision: Number(decimals),
        repetition_type: 'OPTIONAL',
      };
  }
};

const decimalCell = <Row>(
  column: DecimalColumn<Row>,
  row: Row,
  decimals: Decimals,
): string | bigint | null => {
  const value = column.of(row);
  if (value === null || decimals === '76') return value;
  return decimals === '38' ? narrow(column, value) : decimalText(value, column.scale);
};

const dataOf = <Row>(
  column: Column<Row>,
  rows: readonly Row[],
  decimals: Decimals,
): (string | bigint | null)[] => {
  switch (column.type) {
    case 'time':
      return rows.map((row) => BigInt(column.of(row)));
    case 'decimal':
      return rows.map((row) => decimalCell(column, row, decimals));
    default:
      return rows.map((row) => column.of(row));
  }
};

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
export const parquet = (decimals: Decimals): RowWriter =>
  async function* (columns, blocks) {
    const bytes = new ByteWriter();
    const elements = columns.map((column) => elementOf(column, decimals));
    const writer = new ParquetWriter({
      writer: bytes,
      schema: [{ name: 'root', num_children: columns.length }, ...elements],
      createdBy: 'usagectl',
    });
    for await (const rows of blocksOf(blocks)) {
      await writer.write({
        columnData: columns.map((column) => ({
          name: column.name,
          data: dataOf(column, rows, decimals),
        })),
        rowGroupSize: ROW_GROUP,
      });
      yield drain(bytes);
    }
    await writer.finish();
    yield drain(bytes);
  };
