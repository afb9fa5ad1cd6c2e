import type { Millis } from '../../shared/model/time.ts';

/** A column of an export: what a cell holds, and how a row fills it. Null is no value, which is not the same as an empty text. */
export type Column<Row> = TextColumn<Row> | TimeColumn<Row> | DecimalColumn<Row>;

interface TextColumn<Row> {
  /** `json` is valid JSON as text. NDJSON has it as a value, the other formats as text. */
  readonly type: 'text' | 'json';
  readonly name: string;
  readonly of: (row: Row) => string | null;
}

interface TimeColumn<Row> {
  readonly type: 'time';
  readonly name: string;
  readonly of: (row: Row) => Millis;
}

interface DecimalColumn<Row> {
  readonly type: 'decimal';
  readonly name: string;
  /** The decimal places: 1 is written as `10n ** BigInt(scale)`. */
  readonly scale: number;
  readonly of: (row: Row) => bigint | null;
}

/** The rows of an export on their way into a file: as they arrive, in blocks. */
export type RowBlocks<Row> = AsyncIterable<readonly Row[]> | Iterable<readonly Row[]>;

/** Turns rows into the bytes of a file. */
export type RowWriter = <Row>(
  columns: readonly Column<Row>[],
  blocks: RowBlocks<Row>,
) => AsyncIterable<Uint8Array>;
