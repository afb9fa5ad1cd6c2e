import { crc32c } from '@node-rs/crc32';
import { readRecordSet } from '../../../services/shared/kafka/fetch/record-set.ts';
import type { RecordHeaders } from '../../../services/shared/model/control-record.ts';
import type { LogRecord } from '../../../services/shared/model/log-record.ts';
import type { RecordBatch } from '../../../services/shared/model/record-batch.ts';

/** A record of a batch that is made for a test. */
export interface MadeRecord {
  readonly key?: string | Buffer | null;
  readonly value?: string | Buffer | null;
  /** A header may come twice. */
  readonly headers?: RecordHeaders | readonly (readonly [string, string | null])[];
  readonly timestampDelta?: number | bigint;
  readonly offsetDelta?: number;
}

export interface MadeBatch {
  readonly firstOffset: number;
  readonly records: readonly MadeRecord[];
  readonly attributes?: number;
  readonly lastOffsetDelta?: number;
  readonly count?: number;
  readonly firstTimestamp?: bigint;
  readonly maxTimestamp?: bigint;
  readonly producerId?: number;
  /** How the records are compressed; the attributes say by which codec. */
  readonly compress?: (records: Buffer) => Buffer;
}

const HEADER_BYTES = 61;

/** A number as Kafka writes it: the sign in the lowest bit, seven bits a byte. */
const varint = (value: bigint | number): Buffer => {
  // The simulator writes a great many, nearly all of them small.
  if (typeof value === 'number' && Math.abs(value) < 2 ** 30) {
    const bytes: number[] = [];
    let rest = value < 0 ? -2 * value - 1 : 2 * value;
    for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
    return Buffer.from([...bytes, rest]);
  }
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes: number[] = [];
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
};

const withLength = (part: string | Buffer | null | undefined): Buffer => {
  if (part == null) return varint(-1);
  const bytes = typeof part === 'string' ? Buffer.from(part) : part;
  return Buffer.concat([varint(bytes.length), bytes]);
};

const isList = (
  headers: NonNullable<MadeRecord['headers']>,
): headers is readonly (readonly [string, string | null])[] => Array.isArray(headers);

const recordBytes = (record: MadeRecord, index: number): Buffer => {
  const { headers = {} } = record;
  const list = isList(headers) ? headers : Object.entries(headers);
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(record.timestampDelta ?? 0),
    varint(record.offsetDelta ?? index),
    withLength(record.key),
    withLength(record.value),
    varint(list.length),
    ...list.flatMap((header) => header.map(withLength)),
  ]);
  return Buffer.concat([varint(body.length), body]);
};

/** Gives a batch the checksum that it should have. */
export const withChecksum = (batch: Buffer): Buffer => {
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
};

/** A batch as it stands in a log, see https://kafka.apache.org/documentation/#recordbatch. */
export const recordBatch = (made: MadeBatch): Buffer => {
  const records = Buffer.concat(made.records.map(recordBytes));
  const body = made.compress?.(records) ?? records;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeBigInt64BE(BigInt(made.firstOffset), 0);
  header.writeInt32BE(HEADER_BYTES - 12 + body.length, 8);
  header.writeInt8(2, 16);
  header.writeInt16BE(made.attributes ?? 0, 21);
  header.writeInt32BE(made.lastOffsetDelta ?? made.records.length - 1, 23);
  header.writeBigInt64BE(made.firstTimestamp ?? 0n, 27);
  header.writeBigInt64BE(made.maxTimestamp ?? 0n, 35);
  header.writeBigInt64BE(BigInt(made.producerId ?? -1), 43);
  header.writeInt16BE(-1, 51);
  header.writeInt32BE(-1, 53);
  header.writeInt32BE(made.count ?? made.records.length, 57);
  return withChecksum(Buffer.concat([header, body]));
};

/** Records as a broker would give them: written in Kafka's format and read from it again. */
export const encodedBatch = (records: readonly LogRecord[]): RecordBatch => {
  const [first, last] = [records[0], records.at(-1)];
  if (!first || !last) throw new RangeError('a batch holds a record');
  const bytes = recordBatch({
    firstOffset: first.offset,
    lastOffsetDelta: last.offset - first.offset,
    firstTimestamp: BigInt(first.timestamp),
    records: records.map(({ offset, timestamp, ...record }) => ({
      ...record,
      offsetDelta: offset - first.offset,
      timestampDelta: timestamp - first.timestamp,
    })),
  });
  const budget = { ofBatch: Infinity, left: Infinity };
  const { batches, unreadable } = readRecordSet(bytes, Infinity, [], budget);
  const [batch] = batches;
  if (!batch || unreadable)
    throw new Error(`it cannot be read again: ${String(unreadable?.problem)}`);
  return batch;
};
