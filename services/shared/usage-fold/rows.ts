/** Rows in ClickHouse's RowBinary, and which columns they have. */
export interface PackedRows {
  readonly columns: readonly string[];
  readonly bytes: Buffer;
}

/** Rows that a fold has made, in their order: objects, or what can be read as objects where they are asked for. */
export interface Rows<T> extends Iterable<T> {
  readonly length: number;
  /** The same as ClickHouse takes them, where they are kept so. */
  readonly packed?: PackedRows;
}
