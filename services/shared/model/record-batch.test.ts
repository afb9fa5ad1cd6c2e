import { encodedBatch } from '../../../test/support/kafka/record-batch.ts';
import type { LogRecord } from './log-record.ts';
import {
  batchesWithin,
  batchOfRecords,
  inParts,
  offsetBehind,
  recordAt,
  recordsOf,
  valueBytes,
  type RecordBatch,
} from './record-batch.ts';
import { millis } from './time.ts';

const at = (offset: number): LogRecord => ({
  offset,
  timestamp: millis(1_000 + offset),
  key: null,
  value: offset % 2 === 0 ? null : Buffer.from(`value ${String(offset)}`),
  headers: {},
});

const range = (from: number, to: number): LogRecord[] =>
  Array.from({ length: to - from }, (_, n) => at(from + n));

const offsetsOf = (batches: readonly RecordBatch[]): number[] =>
  recordsOf(batches).map(({ offset }) => offset);

// Bytes, bytes with gaps, objects with gaps.
const batches = (): RecordBatch[] => [
  encodedBatch(range(5, 9)),
  encodedBatch([at(10), at(12), at(15)]),
  batchOfRecords([at(20), at(22)]),
];
const ALL = [5, 6, 7, 8, 10, 12, 15, 20, 22];

test.each([0, 5, 7, 9, 10, 11, 12, 15, 16, 20, 21, 22, 23])(
  'of some batches those records are given that stand at offset %d and beyond it, or below it',
  (from) => {
    const beyond = batchesWithin(batches(), from);
    expect(recordsOf(beyond)).toEqual(ALL.filter((offset) => offset >= from).map(at));
    expect(offsetsOf(batchesWithin(batches(), 0, from))).toEqual(ALL.filter((o) => o < from));
    expect(recordAt(batches(), from)).toEqual(ALL.includes(from) ? at(from) : null);
    for (const { count } of beyond) expect(count).toBeGreaterThan(0);
  },
);

test('a part of a batch with bytes stays over the same bytes, and its index begins with its first record', () => {
  const whole = encodedBatch(range(5, 9));
  const [rest] = batchesWithin([whole], 7);
  expect(rest?.bytes).toBe(whole.bytes);
  expect(rest).toMatchObject({ firstOffset: 7, lastOffset: 8, count: 2 });
  expect(rest?.index).toEqual(whole.index.subarray(12));
});

test.each([1, 2, 3, 4, 8, 9, 100])(
  'in parts of %d records, all are there in their order',
  (size) => {
    const parts = inParts(batches(), size);
    expect(parts.flatMap((part) => offsetsOf(part))).toEqual(ALL);
    const sizes = parts.map((part) => recordsOf(part).length);
    expect(sizes.slice(0, -1).every((length) => length === size)).toBe(true);
    for (const part of parts) expect(offsetBehind(part)).toBe((offsetsOf(part).at(-1) ?? 0) + 1);
  },
);

test('the bytes of the values of a batch are those of its records', () => {
  for (const batch of [...batches(), ...batchesWithin(batches(), 7)]) {
    const values = recordsOf([batch]).map(({ value }) => value?.length ?? 0);
    expect(valueBytes(batch)).toBe(values.reduce((a, b) => a + b, 0));
  }
});

test('of no batch there is no end', () => {
  expect(() => offsetBehind([])).toThrow('no batch');
});
