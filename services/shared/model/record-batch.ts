import type { LogRecord } from './log-record.ts';

/** Where the parts of a record are in the bytes of its batch: fields of `RecordBatch.index`. */
export const RECORD = {
  /** Milliseconds after the batch's first timestamp; without meaning where the broker's clock counts. */
  timestampDelta: 0,
  /** First byte of the key. */
  key: 1,
  /** Bytes of the key; -1 where it has none. */
  keyLength: 2,
  /** First byte of the value; where it has none, the byte at which it would stand. */
  value: 3,
  /** Bytes of the value; -1 where it has none. */
  valueLength: 4,
  /** 0 where it has no headers, 1 where it has some: they stand behind the value. */
  hasHeaders: 5,
} as const;

/** Numbers that `RecordBatch.index` holds of each record. */
export const RECORD_FIELDS = 6;

/**
 * Records that stand next to each other in a log, as they were fetched. They become objects only where
 * somebody asks for them: most are folded from their bytes.
 */
export interface RecordBatch {
  /** Where it begins. Where it has bytes, its records stand at first, first + 1, … without a gap. */
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
  /** The record at a place in it, from 0. Makes an object at each call. */
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

/** The offset of the record at a place in a batch. */
export const offsetIn = (batch: RecordBatch, n: number): number =>
  batch.bytes ? batch.firstOffset + n : batch.record(n).offset;

/** How many records of a batch stand below an offset. */
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

/** The records of a batch from one place up to another, as a batch over the same bytes. */
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

/** What some batches hold at `from` and beyond it, and below `end`; no batch of it is empty. */
export const batchesWithin = (
  batches: readonly RecordBatch[],
  from: number,
  end = Infinity,
): readonly RecordBatch[] =>
  batches
    .map((batch) => slice(batch, countBelow(batch, from), countBelow(batch, end)))
    .filter(({ count }) => count > 0);

/** The record at an offset; null where none of the batches has one there. */
export const recordAt = (batches: readonly RecordBatch[], offset: number): LogRecord | null => {
  const [batch] = batchesWithin(batches, offset, offset + 1);
  return batch?.record(0) ?? null;
};

/**
 * Batches in parts of so many records, the last one of fewer: a batch of empty records holds millions,
 * which should not all be objects at once.
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

/** The offset behind the last of some batches, of which there must be one. */
export const offsetBehind = (batches: readonly RecordBatch[]): number => {
  const last = batches.at(-1);
  if (!last) throw new RangeError('there is no batch');
  return last.lastOffset + 1;
};

/** Bytes of the values of a batch. */
export const valueBytes = (batch: RecordBatch): number => {
  let sum = 0;
  for (let n = 0; n < batch.count; n++) {
    sum += batch.bytes
      ? Math.max(0, batch.index[n * RECORD_FIELDS + RECORD.valueLength] ?? 0)
      : (batch.record(n).value?.length ?? 0);
  }
  return sum;
};
