import type { LogRecord } from './log-record.ts';

/** The fields of `RecordBatch.index`: where the parts of a record are in the bytes of its batch. */
export const RECORD = {
  /** Milliseconds after the batch's first timestamp; meaningless if the broker's clock counts. */
  timestampDelta: 0,
  /** The position of the key. */
  key: 1,
  /** The length of the key; -1 for null. */
  keyLength: 2,
  /** The position of the value; if there is none, where it would be. */
  value: 3,
  /** The length of the value; -1 for null. */
  valueLength: 4,
  /** 0 without headers, 1 with headers, which follow the value. */
  hasHeaders: 5,
} as const;

/** The number of fields of each record in `RecordBatch.index`. */
export const RECORD_FIELDS = 6;

/**
 * Adjacent records of a log, as they were fetched. They become objects only on request: most are folded
 * from their bytes.
 */
export interface RecordBatch {
  /**
   * The offset at which it begins. If it has bytes, its records are at first, first + 1, … without a gap.
   */
  readonly firstOffset: number;
  /** The last offset of the batch, which may hold no record. */
  readonly lastOffset: number;
  readonly count: number;
  /** The records in Kafka's format; null if they are available only as objects. */
  readonly bytes: Buffer | null;
  /** The fields of `RECORD` for each record, one record after the other; empty without bytes. */
  readonly index: Int32Array;
  /** Milliseconds since 1970. The records' deltas are added to it. */
  readonly firstTimestamp: number;
  /** The time of all its records if the broker's clock counts; null if each record has its own. */
  readonly appendTime: number | null;
  /** The n-th record, counted from 0. Makes an object at each call. */
  readonly record: (n: number) => LogRecord;
}

/** A batch of records that are objects. */
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

/** All records of some batches, in order. */
export const recordsOf = (batches: readonly RecordBatch[]): LogRecord[] =>
  batches.flatMap((batch) => Array.from({ length: batch.count }, (_, n) => batch.record(n)));

/** The offset of the n-th record of a batch. */
export const offsetIn = (batch: RecordBatch, n: number): number =>
  batch.bytes ? batch.firstOffset + n : batch.record(n).offset;

/** The number of records of a batch below an offset. */
const countBelow = (batch: RecordBatch, offset: number): number => {
  if (batch.bytes) return Math.min(Math.max(0, offset - batch.firstOffset), batch.count);
  let [low, high] = [0, batch.count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (offsetIn(batch, middle) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** The records of a batch from one position up to another, as a batch over the same bytes. */
const slice = (batch: RecordBatch, from: number, to: number): RecordBatch => {
  if (from === 0 && to === batch.count) return batch;
  return {
    ...batch,
    firstOffset: from < to ? offsetIn(batch, from) : batch.lastOffset + 1,
    lastOffset: from < to && to < batch.count ? offsetIn(batch, to - 1) : batch.lastOffset,
    count: to - from,
    index: batch.index.subarray(from * RECORD_FIELDS, to * RECORD_FIELDS),
    record: (n) => batch.record(from + n),
  };
};

/** The content of some batches from `from` up to but not including `end`. No returned batch is empty. */
export const batchesWithin = (
  batches: readonly RecordBatch[],
  from: number,
  end = Infinity,
): readonly RecordBatch[] =>
  batches
    .map((batch) => slice(batch, countBelow(batch, from), countBelow(batch, end)))
    .filter(({ count }) => count > 0);

/** The record at an offset; null if none of the batches has one there. */
export const recordAt = (batches: readonly RecordBatch[], offset: number): LogRecord | null => {
  const [batch] = batchesWithin(batches, offset, offset + 1);
  return batch?.record(0) ?? null;
};

/**
 * Splits batches into parts of `size` records; the last part may be smaller. A batch of empty records holds
 * millions, which should not all be objects at once.
 */
export const inParts = (
  batches: readonly RecordBatch[],
  size: number,
): readonly (readonly RecordBatch[])[] => {
  const parts: RecordBatch[][] = [];
  let room = 0;
  for (const batch of batches) {
    for (let from = 0; from < batch.count;) {
      if (room === 0) {
        parts.push([]);
        room = size;
      }
      const to = Math.min(batch.count, from + room);
      parts.at(-1)?.push(slice(batch, from, to));
      room -= to - from;
      from = to;
    }
  }
  return parts;
};

/** The offset after the last of some batches. There must be at least one. */
export const offsetBehind = (batches: readonly RecordBatch[]): number => {
  const last = batches.at(-1);
  if (!last) throw new RangeError('there is no batch');
  return last.lastOffset + 1;
};

/** The bytes of all values of a batch. */
export const valueBytes = (batch: RecordBatch): number => {
  let sum = 0;
  for (let n = 0; n < batch.count; n++) {
    sum += batch.bytes
      ? Math.max(0, batch.index[n * RECORD_FIELDS + RECORD.valueLength] ?? 0)
      : (batch.record(n).value?.length ?? 0);
  }
  return sum;
};
