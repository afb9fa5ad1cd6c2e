import { crc32c } from '@node-rs/crc32';
import type { NewRecord } from '../new-record.ts';
import { ByteWriter, prefixedSize, varintSize } from './byte-writer.ts';

/** The fields of a batch before its records: https://kafka.apache.org/documentation/#recordbatch */
const HEADER_BYTES = 61;
const LENGTH_BEGINS = 12;
const CHECKSUM_BEGINS = 21;
const MAGIC = 2;

/**
 * By what the broker knows a batch that it has already: the producer's id and epoch, which the broker gave
 * it, and how many records of this partition came before.
 */
export interface BatchSequence {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly firstSequence: number;
}

/** What a producer without idempotence gives. */
const NO_SEQUENCE: BatchSequence = { producerId: -1n, producerEpoch: -1, firstSequence: -1 };

const lengthOf = (part: Buffer | string | null): number | null =>
  part === null ? null : Buffer.byteLength(part);

/** The bytes of a record after its length. */
const bodySize = (
  { key, value, headers = {} }: NewRecord,
  timestampDelta: number,
  offsetDelta: number,
): number => {
  let size = 1 + varintSize(timestampDelta) + varintSize(offsetDelta);
  size += prefixedSize(lengthOf(key)) + prefixedSize(lengthOf(value));
  let count = 0;
  for (const name in headers) {
    count++;
    size += prefixedSize(lengthOf(name)) + prefixedSize(lengthOf(headers[name] ?? null));
  }
  return size + varintSize(count);
};

const writeRecord = (
  out: ByteWriter,
  record: NewRecord,
  size: number,
  timestampDelta: number,
  offsetDelta: number,
): void => {
  const { key, value, headers = {} } = record;
  out.varint(size);
  out.byte(0); // attributes
  out.varint(timestampDelta);
  out.varint(offsetDelta);
  out.prefixed(key);
  out.prefixed(value);
  out.varint(Object.keys(headers).length);
  for (const name in headers) {
    out.prefixed(name);
    out.prefixed(headers[name] ?? null);
  }
};

/**
 * Records as one batch of Kafka, not compressed. The broker gives it its offsets.
 * @param records at least one
 */
export const producedBatch = (
  records: readonly NewRecord[],
  now: number,
  { producerId, producerEpoch, firstSequence } = NO_SEQUENCE,
): Buffer => {
  const times = records.map(({ timestamp }) => timestamp ?? now);
  const first = times.reduce((a, b) => Math.min(a, b));
  const last = times.reduce((a, b) => Math.max(a, b));
  const sizes = records.map((record, n) => bodySize(record, (times[n] ?? first) - first, n));
  const total = sizes.reduce((sum, size) => sum + varintSize(size) + size, HEADER_BYTES);
  const bytes = Buffer.allocUnsafe(total).fill(0, 0, HEADER_BYTES);
  bytes.writeInt32BE(total - LENGTH_BEGINS, 8);
  bytes.writeInt8(MAGIC, 16);
  bytes.writeInt32BE(records.length - 1, 23);
  bytes.writeBigInt64BE(BigInt(first), 27);
  bytes.writeBigInt64BE(BigInt(last), 35);
  bytes.writeBigInt64BE(producerId, 43);
  bytes.writeInt16BE(producerEpoch, 51);
  bytes.writeInt32BE(firstSequence, 53);
  bytes.writeInt32BE(records.length, 57);
  const out = new ByteWriter(bytes, HEADER_BYTES);
  records.forEach((record, n) => {
    writeRecord(out, record, sizes[n] ?? 0, (times[n] ?? first) - first, n);
  });
  bytes.writeUInt32BE(crc32c(bytes.subarray(CHECKSUM_BEGINS)), 17);
  return bytes;
};
