/** Rows as one block in ClickHouse's Native format, and the names of its columns. */
export interface PackedRows {
  readonly columns: readonly string[];
  readonly bytes: readonly Uint8Array[];
  /** About so many bytes in the memory of the server, where each row has texts of its own. */
  readonly memory: number;
}

/** Rows that a fold has made, in order. They are objects, or become objects when they are iterated. */
export interface Rows<T> extends Iterable<T> {
  readonly length: number;
  /** The same rows in ClickHouse's format, if they are kept in columns. */
  packed?(): PackedRows;
}
