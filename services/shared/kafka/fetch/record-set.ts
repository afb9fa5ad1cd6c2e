import { crc32c } from '@node-rs/crc32';
import { batchOfRecords, type RecordBatch } from '../../model/record-batch.ts';
import { fail, succeed, type Result } from '../../model/result.ts';
import { messageOf } from '../../process/errors.ts';
import { AbortedTransactions, type AbortedTransaction } from './aborted-transactions.ts';
import { CODEC_MASK, decompress, tooLarge } from './codecs.ts';
import { RECORD_COST, readRecords } from './record-parser.ts';
import type { Trouble, UnreadableBatch } from './unreadable-batch.ts';

/** Where the fields of a batch stand, see https://kafka.apache.org/documentation/#recordbatch. */
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
/** What the length of a batch does not count: the first offset, and itself. */
const BEFORE_LENGTH = 12;
const MAGIC = 2;

const IS_APPEND_TIME = 0x08;
const IS_TRANSACTIONAL = 0x10;
const IS_CONTROL = 0x20;
/** What the marker of a transaction says that ended it, where it was not committed. */
const ABORTED = 0;

/** How much memory the records of one answer may take. */
export interface Budget {
  /** Bytes that one batch may take when it is decompressed. */
  readonly ofBatch: number;
  /** Bytes that are left for the answer; the last batch may go beyond them. */
  left: number;
}

export interface RecordSet {
  /** Without those that are nobody's: markers of transactions and aborted records make empty ones. */
  readonly batches: readonly RecordBatch[];
  /** What follows them and cannot be read. */
  readonly unreadable: UnreadableBatch | null;
}

/**
 * Reads the batches of one partition that a broker has sent, as far as they are whole, can be read and
 * fit the budget. The rest is asked for again.
 *
 * Kafka's brokers check a batch when it is written and never again; what a disk has done to it since
 * shows here alone. Offsets follow one another without a gap: markers of transactions and what was
 * aborted are sent too.
 */
export const readRecordSet = (
  set: Buffer,
  highWatermark: number,
  aborted: readonly AbortedTransaction[],
  budget: Budget,
): RecordSet => {
  const batches: RecordBatch[] = [];
  const transactions = new AbortedTransactions(aborted);
  const stop = (unreadable: UnreadableBatch): RecordSet => ({ batches, unreadable });
  let expected: number | null = null;
  for (let at = 0; at < set.length && budget.left > 0;) {
    const batch = wholeBatch(set, at);
    // One that did not fit the answer is the first of the next one, and that one is always whole.
    if (batch === null) return at === 0 ? stop(noBatch(set)) : { batches, unreadable: null };
    const from = Number(batch.readBigInt64BE(0));
    if (expected !== null && from !== expected) return stop(outOfPlace(expected, from));
    if (from < 0 || from >= highWatermark) return stop(outsideLog(from));
    const found = readBatch(batch, from, budget);
    if (!found.ok) {
      return stop({ ...found.error, from, next: nextOffset(set, at, batch, highWatermark) });
    }
    const read = found.value;
    batches.push(isForReaders(batch, read, transactions) ? read : emptied(read));
    expected = read.lastOffset + 1;
    at += batch.length;
  }
  return { batches, unreadable: null };
};

/** Whether the records of a batch are a producer's, and not taken back. */
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

/** The key of a marker: a version, then what it marks, 16 bits each. */
const isAbortMarker = (read: RecordBatch): boolean => {
  const key = read.count > 0 ? read.record(0).key : null;
  return key !== null && key.length >= 4 && key.readInt16BE(2) === ABORTED;
};

/** A batch of the same offsets that holds no record. */
const emptied = ({ firstOffset, lastOffset }: RecordBatch): RecordBatch => ({
  ...batchOfRecords([]),
  firstOffset,
  lastOffset,
});

/** The bytes of the batch that begins there; null where they are not all there. */
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
  if (magic !== MAGIC) return fail(damaged(`its format is number ${String(magic)} instead of 2`));
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
  ...damaged(`${String(set.length)} bytes hold no whole one`),
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
 * Where the batch behind an unreadable one begins. The unreadable one's own last offset may be what is
 * wrong with it, so a whole one behind it is believed first.
 */
const nextOffset = (
  set: Buffer,
  at: number,
  batch: Buffer,
  highWatermark: number,
): number | null => {
  const following = wholeBatch(set, at + batch.length);
  const from = Number(batch.readBigInt64BE(0));
  const candidate =
    following && hasRightChecksum(following)
      ? Number(following.readBigInt64BE(0))
      : lastOffset(batch) + 1;
  return candidate > from && candidate <= highWatermark ? candidate : null;
};
