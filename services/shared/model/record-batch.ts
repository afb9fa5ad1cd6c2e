import type { LogRecord } from './log-record.ts';

/** Where the parts of a record stand in the bytes of its batch: fields of `RecordBatch.index`. */
export const RECORD = {
  /** Milliseconds after the batch's first timestamp. */
  timestampDelta: 0,
  /** First byte of the key. */
  key: 1,
  /** Bytes of the key; -1 where it has none. */
  keyLength: 2,
  /** First byte of the value. */
  value: 3,
  /** Bytes of the value; -1 where it has none. */
  valueLength: 4,
  /** 0 where it has no headers, 1 where it has some. */
  hasHeaders: 5,
} as const;

/** Numbers that `RecordBatch.index` holds of each record. */
export const RECORD_FIELDS = 6;

/**
 * Records that stand next to each other in a log, as they were fetched. They become objects only where
 * somebody asks for them: most are folded from their bytes.
 */
export interface RecordBatch {
  /** The records at first, first + 1, … where it has bytes. */
  readonly firstOffset: number;
  /** Last offset of the batch, which may hold no record. */
  readonly lastOffset: number;
  readonly count: number;
  /** The records as Kafka's format has them; null where they can only be had as objects. */
  readonly bytes: Buffer | null;
  /** Of each record the fields of `RECORD`, one record after the other; empty without bytes. */
  readonly index: Int32Array;
  /** Milliseconds since 1970 to which the records' deltas are added. */
  readonly firstTimestamp: number;
  /** The time of all its records, where the broker's clock counts; null where each has its own. */
  readonly appendTime: number | null;
  /** The record at a place in it, from 0. */
  readonly record: (n: number) => LogRecord;
}

/** Records that are there as objects, as a batch. */
export const batchOfRecords = (records: readonly LogRecord[]): RecordBatch => ({
  firstOffset: records[0]?.offset ?? 0,
  lastOffset: records.at(-1)?.offset ?? -1,
  count: records.length,
  bytes: null,
  index: new Int32Array(0),
  firstTimestamp: 0,
  appendTime: null,
  record: (n) => {
    const record = records[n];
    if (!record) throw new RangeError(`the batch has no record ${String(n)}`);
    return record;
  },
});

/** All records of some batches, in their order. */
export const recordsOf = (batches: readonly RecordBatch[]): LogRecord[] =>
  batches.flatMap((batch) => Array.from({ length: batch.count }, (_, n) => batch.record(n)));
