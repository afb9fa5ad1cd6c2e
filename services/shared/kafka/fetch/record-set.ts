import { crc32c } from '@node-rs/crc32';
import { batchOfRecords, type RecordBatch } from '../../model/record-batch.ts';
import { fail, succeed, type Result } from '../../model/result.ts';
import { messageOf } from '../../process/errors.ts';
import { AbortedTransactions, type AbortedTransaction } from './aborted-transactions.ts';
import { CODEC_MASK, decompress, tooLarge } from './codecs.ts';
import { RECORD_COST, readRecords } from './record-parser.ts';
import type { Trouble, UnreadableBatch } from './unreadable-batch.ts';

/** Where the fields of a batch are, see https://kafka.apache.org/documentation/#recordbatch. */
const AT = {
  length: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  firstTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  count: 57,
  records: 61,
} as const;
/** The length field of a batch counts neither the first offset nor itself. */
const BEFORE_LENGTH = 12;
const MAGIC = 2;

const IS_APPEND_TIME = 0x08;
const IS_TRANSACTIONAL = 0x10;
const IS_CONTROL = 0x20;
/** The value in a transaction's marker that says that it was aborted. */
const ABORTED = 0;

/** The memory that the records of one answer may take. */
export interface Budget {
  /** Bytes that one batch may take when decompressed. */
  readonly ofBatch: number;
  /** Bytes left for the answer; the last batch may exceed them. */
  left: number;
}

export interface RecordSet {
  /** Transaction markers and batches of aborted records are empty batches here. */
  readonly batches: readonly RecordBatch[];
  /** What follows these batches and cannot be read. */
  readonly unreadable: UnreadableBatch | null;
}

/**
 * Reads the batches that a broker has sent of one partition, up to the first that is incomplete, cannot be
 * read, or does not fit the budget. The rest is requested again.
 *
 * Kafka's brokers check a batch when it is written and never again, so damage by a disk is noticed only
 * here. Offsets have no gaps, because transaction markers and aborted records are sent too.
 *
 * @param end an offset at which no first batch begins; those that follow one another may go beyond it
 */
export const readRecordSet = (
  set: Buffer,
  end: number,
  aborted: readonly AbortedTransaction[],
  budget: Budget,
): RecordSet => {
  const batches: RecordBatch[] = [];
  const transactions = new AbortedTransactions(aborted);
  const stop = (unreadable: UnreadableBatch): RecordSet => ({ batches, unreadable });
  let expected: number | null = null;
  for (let at = 0; at < set.length && budget.left > 0;) {
    const batch = wholeBatch(set, at);
    // A batch that did not fit the answer is the first of the next answer, and the first is always
    // complete.
    if (batch === null) return at === 0 ? stop(noBatch(set)) : { batches, unreadable: null };
    const from = Number(batch.readBigInt64BE(0));
    if (expected !== null && from !== expected) return stop(outOfPlace(expected, from));
    if (expected === null && (from < 0 || from >= end)) return stop(outsideLog(from));
    const found = readBatch(batch, from, budget);
    if (!found.ok) {
      return stop({ ...found.error, from, next: nextOffset(set, at, batch, end) });
    }
    const read = found.value;
    batches.push(isForReaders(batch, read, transactions) ? read : emptied(read));
    expected = read.lastOffset + 1;
    at += batch.length;
  }
  return { batches, unreadable: null };
};

/** Whether the records of a batch come from a producer and were not aborted. */
const isForReaders = (
  batch: Buffer,
  read: RecordBatch,
  transactions: AbortedTransactions,
): boolean => {
  const attributes = batch.readInt16BE(AT.attributes);
  const isControl = (attributes & IS_CONTROL) !== 0;
  const isAborted = transactions.holds({
    lastOffset: read.lastOffset,
    producerId: batch.readBigInt64BE(AT.producerId),
    isTransactional: (attributes & IS_TRANSACTIONAL) !== 0,
    isAbortMarker: isControl && isAbortMarker(read),
  });
  return !isControl && !isAborted;
};

/** The key of a marker has a version and then the kind of the marker, 16 bits each. */
const isAbortMarker = (read: RecordBatch): boolean => {
  const key = read.count > 0 ? read.record(0).key : null;
  return key !== null && key.length >= 4 && key.readInt16BE(2) === ABORTED;
};

/** A batch with the same offsets and no records. */
const emptied = ({ firstOffset, lastOffset }: RecordBatch): RecordBatch => ({
  ...batchOfRecords([]),
  firstOffset,
  lastOffset,
});

/** The bytes of the batch that begins at a position; null if it is incomplete. */
const wholeBatch = (set: Buffer, at: number): Buffer | null => {
  if (set.length - at < AT.records) return null;
  const length = BEFORE_LENGTH + set.readInt32BE(at + AT.length);
  return length < AT.records || at + length > set.length ? null : set.subarray(at, at + length);
};

const lastOffset = (batch: Buffer): number =>
  Number(batch.readBigInt64BE(0)) + batch.readInt32BE(AT.lastOffsetDelta);

const hasRightChecksum = (batch: Buffer): boolean =>
  batch.readUInt32BE(AT.crc) === crc32c(batch.subarray(AT.attributes));

const readBatch = (batch: Buffer, from: number, budget: Budget): Result<RecordBatch, Trouble> => {
  const magic = batch.readInt8(AT.magic);
  if (magic !== MAGIC) return fail(damaged(`its format is version ${String(magic)} instead of 2`));
  if (!hasRightChecksum(batch)) return fail(damaged('its checksum does not match'));
  const attributes = batch.readInt16BE(AT.attributes);
  const count = batch.readInt32BE(AT.count);
  const lastOffsetDelta = batch.readInt32BE(AT.lastOffsetDelta);
  if (count < 0 || count > lastOffsetDelta + 1) {
    return fail(damaged(`it claims ${String(count)} records`));
  }
  const limit = budget.ofBatch - count * RECORD_COST;
  if (limit <= 0) return fail(tooLarge(budget.ofBatch));
  const decompressed = decompress(attributes & CODEC_MASK, batch.subarray(AT.records), limit);
  if (!decompressed.ok) {
    return decompressed.error.kind === 'too-large' ? fail(tooLarge(budget.ofBatch)) : decompressed;
  }
  const bytes = decompressed.value;
  if (bytes.length > limit) return fail(tooLarge(budget.ofBatch));
  budget.left -= bytes.length + count * RECORD_COST;
  try {
    const read = readRecords(bytes, {
      firstOffset: from,
      lastOffsetDelta,
      count,
      firstTimestamp: batch.readBigInt64BE(AT.firstTimestamp),
      appendTime: attributes & IS_APPEND_TIME ? batch.readBigInt64BE(AT.maxTimestamp) : null,
    });
    return succeed(read);
  } catch (error) {
    return fail(damaged(messageOf(error)));
  }
};

const damaged = (how: string): Trouble => ({
  kind: 'damaged',
  problem: `the batch is damaged: ${how}`,
});

const noBatch = (set: Buffer): UnreadableBatch => ({
  ...damaged(`${String(set.length)} bytes hold no complete batch`),
  from: null,
  next: null,
});

const outsideLog = (from: number): UnreadableBatch => ({
  ...damaged(`it says that it begins at offset ${String(from)}`),
  from: null,
  next: null,
});

const outOfPlace = (expected: number, from: number): UnreadableBatch =>
  from > expected
    ? { kind: 'missing', problem: 'the log does not hold them', from: expected, next: from }
    : { ...outsideLog(from), from: expected };

/**
 * Where the batch after an unreadable one begins. The unreadable batch's own last offset may be wrong, so a
 * complete batch after it is trusted first.
 */
const nextOffset = (set: Buffer, at: number, batch: Buffer, end: number): number | null => {
  const following = wholeBatch(set, at + batch.length);
  const from = Number(batch.readBigInt64BE(0));
  const candidate =
    following && hasRightChecksum(following)
      ? Number(following.readBigInt64BE(0))
      : lastOffset(batch) + 1;
  return candidate > from && candidate <= end ? candidate : null;
};
