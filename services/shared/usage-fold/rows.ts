/** Rows in ClickHouse's RowBinary, and their columns. */
export interface PackedRows {
  readonly columns: readonly string[];
  readonly bytes: Buffer;
}

/** Rows that a fold has made, in order. They are objects, or become objects when they are iterated. */
export interface Rows<T> extends Iterable<T> {
  readonly length: number;
  /** The same rows in ClickHouse's format, if they are kept that way. */
  readonly packed?: PackedRows;
}
