import type { RecordHeaders } from '../../model/control-record.ts';
import type { LogRecord } from '../../model/log-record.ts';
import { RECORD, RECORD_FIELDS, type RecordBatch } from '../../model/record-batch.ts';
import { millis } from '../../model/time.ts';
import { ByteReader } from './byte-reader.ts';

/** What a batch says about all its records. */
export interface Heading {
  readonly firstOffset: number;
  readonly lastOffsetDelta: number;
  readonly count: number;
  readonly firstTimestamp: bigint;
  /**
   * The append time of all its records, for topics with `LogAppendTime`; null if each record has its own
   * timestamp.
   */
  readonly appendTime: bigint | null;
}

/** Bytes of memory that a record takes besides its own bytes: its fields in the index. */
export const RECORD_COST = RECORD_FIELDS * Int32Array.BYTES_PER_ELEMENT;

/** Bytes of a record without key, value and headers: its length and six fields. */
const SMALLEST = 7;

/**
 * Times beyond this value are kept apart: with a record's delta added, a double may no longer hold them
 * exactly.
 */
const FAR = Number.MAX_SAFE_INTEGER - 2 ** 32;
const isFar = (time: bigint): boolean => time > FAR || time < -FAR;

/**
 * Reads the records of a batch, which must be as many as it says and fill its bytes exactly. One pass, and
 * no object for a record. If offsets are left out, or times are too far apart for the index, the records
 * are available only as objects.
 * @throws RangeError if the records do not fill the batch as it says
 */
export const readRecords = (bytes: Buffer, heading: Heading): RecordBatch => {
  const { count, lastOffsetDelta, firstOffset } = heading;
  if (count * SMALLEST > bytes.length) throw new RangeError('a record is cut short');
  const index = new Int32Array(count * RECORD_FIELDS);
  // A broker checks how many records there are, not the offset that each one claims. So if no offset is
  // left out, offsets are counted up here. Otherwise a producer could halt everything behind its batch.
  const deltas = count === lastOffsetDelta + 1 ? null : new Int32Array(count);
  const times = new RecordTimes(heading, index);
  const reader = new ByteReader(bytes);
  for (let n = 0, lastDelta = -1; n < count; n++) {
    const length = reader.varint();
    const end = reader.at + length;
    reader.byte(); // attributes, which are unused
    times.put(n, reader.varlong());
    const said = reader.varint();
    if (deltas) {
      if (said <= lastDelta || said > lastOffsetDelta) {
        throw new RangeError('its records are out of order');
      }
      lastDelta = said;
      deltas[n] = said;
    }
    indexRecord(reader, index, n * RECORD_FIELDS);
    if (reader.at !== end) throw new RangeError('a record is not as long as it says');
  }
  if (!reader.isAtEnd) throw new RangeError('something follows its last record');

  const isPlain = deltas === null && times.isPlain;
  return {
    firstOffset,
    lastOffset: firstOffset + lastOffsetDelta,
    count,
    bytes: isPlain ? bytes : null,
    index: isPlain ? index : NO_INDEX,
    firstTimestamp: isPlain ? Number(heading.firstTimestamp) : 0,
    appendTime: isPlain && heading.appendTime !== null ? Number(heading.appendTime) : null,
    record: (n) => {
      if (!(n >= 0 && n < count)) throw new RangeError(`the batch has no record ${String(n)}`);
      const offset = firstOffset + (deltas?.[n] ?? n);
      return recordOf(bytes, index, n, offset, times.at(n));
    },
  };
};

const NO_INDEX = new Int32Array(0);

/** Notes the places of a record's key and value, and skips its headers, which must be well formed. */
const indexRecord = (reader: ByteReader, index: Int32Array, at: number): void => {
  const keyLength = reader.pass();
  index[at + RECORD.key] = reader.at - Math.max(0, keyLength);
  index[at + RECORD.keyLength] = keyLength;
  const valueLength = reader.pass();
  index[at + RECORD.value] = reader.at - Math.max(0, valueLength);
  index[at + RECORD.valueLength] = valueLength;
  const headers = reader.varint();
  if (headers < 0) throw new RangeError('a record has a negative number of headers');
  index[at + RECORD.hasHeaders] = headers === 0 ? 0 : 1;
  for (let n = 0; n < headers; n++) {
    if (reader.pass() < 0) throw new RangeError('a header has no name');
    reader.pass();
  }
};

/**
 * The times of a batch's records: in the index if 32 bits suffice for all, otherwise in an array of their
 * own.
 */
class RecordTimes {
  private readonly first: bigint;
  private readonly appendTime: bigint | null;
  private readonly index: Int32Array;
  private far: Float64Array | null = null;

  constructor({ firstTimestamp, appendTime, count }: Heading, index: Int32Array) {
    this.first = firstTimestamp;
    this.appendTime = appendTime;
    this.index = index;
    if (isFar(firstTimestamp)) this.far = new Float64Array(count);
  }

  /** Whether the index holds all times. */
  get isPlain(): boolean {
    return this.far === null && (this.appendTime === null || !isFar(this.appendTime));
  }

  put(n: number, delta: number | bigint): void {
    if (typeof delta === 'bigint') this.far ??= this.allSoFar(n);
    else this.index[n * RECORD_FIELDS + RECORD.timestampDelta] = delta;
    if (this.far) this.far[n] = Number(this.first + BigInt(delta));
  }

  at(n: number): number {
    if (this.appendTime !== null) return Number(this.appendTime);
    return this.far?.[n] ?? this.near(n);
  }

  private near(n: number): number {
    return Number(this.first) + (this.index[n * RECORD_FIELDS + RECORD.timestampDelta] ?? 0);
  }

  private allSoFar(count: number): Float64Array {
    const far = new Float64Array(this.index.length / RECORD_FIELDS);
    for (let n = 0; n < count; n++) far[n] = this.near(n);
    return far;
  }
}

const recordOf = (
  bytes: Buffer,
  index: Int32Array,
  n: number,
  offset: number,
  timestamp: number,
): LogRecord => {
  const field = (name: keyof typeof RECORD): number => index[n * RECORD_FIELDS + RECORD[name]] ?? 0;
  const part = (at: number, length: number): Buffer | null =>
    length < 0 ? null : bytes.subarray(at, at + length);
  return {
    offset,
    timestamp: millis(timestamp),
    key: part(field('key'), field('keyLength')),
    value: part(field('value'), field('valueLength')),
    headers: field('hasHeaders')
      ? readHeaders(bytes, field('value') + Math.max(0, field('valueLength')))
      : {},
  };
};

/** Reads headers that were found well formed. A name with several values keeps them in order. */
const readHeaders = (bytes: Buffer, at: number): RecordHeaders => {
  const reader = new ByteReader(bytes);
  reader.at = at;
  const text = (): string => {
    const length = Math.max(0, reader.pass());
    return bytes.toString('utf8', reader.at - length, reader.at);
  };
  const headers = new Map<string, string>();
  for (let left = reader.varint(); left > 0; left--) {
    const name = text();
    const value = text();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(headers);
};
