import { crc32c } from '../../../services/shared/kafka/fetch/crc32c.ts';

/** A record of a batch that is made for a test. */
export interface MadeRecord {
  readonly key?: string | null;
  readonly value?: string | null;
  readonly timestampDelta?: bigint;
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
  /** How the records are compressed; the attributes say by which codec. */
  readonly compress?: (records: Buffer) => Buffer;
}

const HEADER_BYTES = 61;

/** A number as Kafka writes it: the sign in the lowest bit, seven bits a byte. */
const varint = (value: bigint | number): Buffer => {
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes: number[] = [];
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
};

const withLength = (text: string | null | undefined): Buffer => {
  if (text == null) return varint(-1);
  const bytes = Buffer.from(text);
  return Buffer.concat([varint(bytes.length), bytes]);
};

const recordBytes = (record: MadeRecord, index: number): Buffer => {
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(record.timestampDelta ?? 0n),
    varint(record.offsetDelta ?? index),
    withLength(record.key),
    withLength(record.value),
    varint(0),
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
  header.writeBigInt64BE(-1n, 43);
  header.writeInt16BE(-1, 51);
  header.writeInt32BE(-1, 53);
  header.writeInt32BE(made.count ?? made.records.length, 57);
  return withChecksum(Buffer.concat([header, body]));
};
