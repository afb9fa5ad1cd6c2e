import KafkaJsBatch from 'kafkajs/src/consumer/batch.js';
import { recordBatch } from '../../../test/support/kafka/record-batch.ts';
import { recordsOf } from '../model/record-batch.ts';
import { fetchedFrom, readBatch } from './fetched-batch.ts';
import { readFetchResponse } from './fetch/fetch-response.ts';

const CONTROL = 0x20;
const HIGH_WATERMARK = 100;

const plainAt = (firstOffset: number): Buffer =>
  recordBatch({ firstOffset, records: [{ value: 'a' }, { value: 'b' }, { value: 'c' }] });

const markerAt = (firstOffset: number): Buffer =>
  recordBatch({ firstOffset, records: [{ key: Buffer.alloc(4) }], attributes: CONTROL });

/** The only partition of a broker's answer, version 4. */
const answer = (...batches: readonly Buffer[]): Buffer => {
  const set = Buffer.concat(batches);
  const head = Buffer.alloc(4 + 4 + 2 + 1 + 4 + 4 + 2 + 8 + 8 + 4 + 4);
  head.writeInt32BE(1, 4); // topics
  head.writeInt16BE(1, 8);
  head.write('t', 10);
  head.writeInt32BE(1, 11); // partitions
  head.writeBigInt64BE(BigInt(HIGH_WATERMARK), 21);
  head.writeBigInt64BE(BigInt(HIGH_WATERMARK), 29);
  head.writeInt32BE(set.length, 41);
  return Buffer.concat([head, set]);
};

/** What kafkajs, as it is installed, makes of an answer to a fetch from an offset. */
const fetched = (from: number, ...batches: readonly Buffer[]) => {
  const { responses } = readFetchResponse(answer(...batches), 4, 1024 * 1024, String);
  const [partition] = responses[0]?.partitions ?? [];
  if (!partition) throw new Error('the answer has no partition');
  return new KafkaJsBatch('t', String(from), partition);
};

const read = (from: number, ...batches: readonly Buffer[]) => {
  const batch = fetched(from, ...batches);
  expect(fetchedFrom(batch)).toBe(from);
  const { batches: given, ...rest } = readBatch(batch, from);
  return { ...rest, offsets: recordsOf(given).map(({ offset }) => offset) };
};

const FINE = { isAhead: true, unreadable: null };

test('kafkajs goes on behind the last record of what it was given', () => {
  const batch = fetched(5, plainAt(5), plainAt(8));
  expect(batch.isEmpty()).toBe(false);
  expect(batch.lastOffset()).toBe('10');
  expect(batch.offsetLag()).toBe('89');
});

test('records below the offset that was asked for are left out', () => {
  expect(read(5, plainAt(5), plainAt(8))).toEqual({
    ...FINE,
    offsets: [5, 6, 7, 8, 9, 10],
    next: 11,
  });
  expect(read(7, plainAt(5), plainAt(8))).toEqual({ ...FINE, offsets: [7, 8, 9, 10], next: 11 });
});

test('an answer of markers alone reaches the reader, and is passed', () => {
  // kafkajs would pass it by itself, without a word, if it found nothing in it.
  expect(fetched(5, markerAt(5), markerAt(6)).isEmpty()).toBe(false);
  expect(read(5, markerAt(5), markerAt(6))).toEqual({ ...FINE, offsets: [], next: 7 });
});

test('markers between records, and behind them, are passed', () => {
  expect(read(5, plainAt(5), markerAt(8), plainAt(9), markerAt(12))).toEqual({
    ...FINE,
    offsets: [5, 6, 7, 9, 10, 11],
    next: 13,
  });
});

test('what stands before an unreadable batch is given, and where it begins is told', () => {
  const damaged = plainAt(8);
  damaged.writeUInt8(damaged.readUInt8(64) ^ 1, 64);
  expect(read(6, plainAt(5), damaged)).toMatchObject({
    ...{ offsets: [6, 7], next: 8, isAhead: true },
    unreadable: { kind: 'damaged', from: 8, next: 11 },
  });
});

test('a log that begins behind the offset asked for does not hold it', () => {
  expect(read(5, plainAt(8))).toMatchObject({
    ...{ offsets: [], next: 5, isAhead: false },
    unreadable: { kind: 'missing', from: 5, next: 8 },
  });
});
