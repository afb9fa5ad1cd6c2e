import fc from 'fast-check';
import {
  encodedBatch,
  recordBatch,
  type MadeBatch,
} from '../../../../test/support/kafka/record-batch.ts';
import type { LogRecord } from '../../model/log-record.ts';
import { RECORD, RECORD_FIELDS, recordsOf, type RecordBatch } from '../../model/record-batch.ts';
import { millis } from '../../model/time.ts';
import { readRecordSet } from './record-set.ts';

const read = (made: MadeBatch): RecordBatch => {
  const budget = { ofBatch: 1e9, left: 1e9 };
  const { batches, unreadable } = readRecordSet(recordBatch(made), 1e9, [], budget);
  expect(unreadable).toBeNull();
  const [batch] = batches;
  if (!batch) throw new Error('there is no batch');
  return batch;
};

/** Key, value and time of each record, by the index alone. */
const byIndex = ({ bytes, index, count, firstTimestamp, appendTime }: RecordBatch): unknown[] =>
  Array.from({ length: count }, (_, n) => {
    const field = (name: keyof typeof RECORD): number =>
      index[n * RECORD_FIELDS + RECORD[name]] ?? NaN;
    const part = (at: number, length: number): Buffer | null =>
      length < 0 ? null : (bytes?.subarray(at, at + length) ?? null);
    return {
      key: part(field('key'), field('keyLength')),
      value: part(field('value'), field('valueLength')),
      timestamp: appendTime ?? firstTimestamp + field('timestampDelta'),
      hasHeaders: field('hasHeaders') === 1,
    };
  });

const buffer = fc.option(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)));
const records: fc.Arbitrary<readonly LogRecord[]> = fc
  .array(
    fc.record({
      timestamp: fc.integer({ min: -(2 ** 30), max: 2 ** 30 }).map((t) => millis(1.7e12 + t)),
      key: buffer,
      value: buffer,
      headers: fc.dictionary(fc.string(), fc.string(), { maxKeys: 3, noNullPrototype: true }),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map((list) => list.map((record, n) => ({ offset: 1_000 + n, ...record })));

test('whatever records are written, the same are read, by the index and as objects', () => {
  fc.assert(
    fc.property(records, (written) => {
      const batch = encodedBatch(written);
      expect(batch.bytes).not.toBeNull();
      expect(recordsOf([batch])).toEqual(written);
      expect(byIndex(batch)).toEqual(
        written.map(({ key, value, timestamp, headers }) => ({
          ...{ key, value, timestamp },
          hasHeaders: Object.keys(headers).length > 0,
        })),
      );
    }),
  );
});

const two = { firstOffset: 5, records: [{ value: 'a' }, { value: 'b' }] };

test.each<[string, MadeBatch, readonly (readonly [offset: number, timestamp: number])[]]>([
  [
    'whose offsets have gaps',
    {
      ...two,
      lastOffsetDelta: 9,
      firstTimestamp: 7n,
      records: [{ offsetDelta: 2 }, { offsetDelta: 4 }],
    },
    [
      [7, 7],
      [9, 7],
    ],
  ],
  [
    'with a time that is no whole number as a double',
    { ...two, firstTimestamp: 2n ** 60n },
    [
      [5, 2 ** 60],
      [6, 2 ** 60],
    ],
  ],
  [
    'with times more than 32 bits apart',
    { ...two, firstTimestamp: 9n, records: [{ timestampDelta: 1 }, { timestampDelta: 2 ** 31 }] },
    [
      [5, 10],
      [6, 9 + 2 ** 31],
    ],
  ],
  [
    'with an append time that is no whole number as a double',
    { ...two, attributes: 0x08, maxTimestamp: 2n ** 60n },
    [
      [5, 2 ** 60],
      [6, 2 ** 60],
    ],
  ],
])('records of a batch %s can be had as objects alone', (_, made, expected) => {
  const batch = read(made);
  expect(batch).toMatchObject({ bytes: null, firstOffset: 5, count: 2 });
  expect(batch.index).toHaveLength(0);
  expect(recordsOf([batch]).map(({ offset, timestamp }) => [offset, timestamp])).toEqual(expected);
});

test('times of 32 bits on either side of the first are in the index', () => {
  const deltas = [-(2 ** 31), 2 ** 31 - 1];
  const batch = read({
    ...{ firstOffset: 0, firstTimestamp: 1_700_000_000_000n },
    records: deltas.map((timestampDelta) => ({ timestampDelta })),
  });
  expect(byIndex(batch)).toMatchObject(
    deltas.map((delta) => ({ timestamp: 1_700_000_000_000 + delta })),
  );
});

test('where the broker sets the time, it is that of all records', () => {
  const batch = read({
    ...{ ...two, attributes: 0x08, firstTimestamp: 5n, maxTimestamp: 99n },
    records: [{ timestampDelta: 1 }, { timestampDelta: 2 }],
  });
  expect(batch.appendTime).toBe(99);
  expect(recordsOf([batch]).map(({ timestamp }) => timestamp)).toEqual([99, 99]);
});

test('a record beyond the last is an error, not an empty one', () => {
  const batch = read(two);
  expect(() => batch.record(2)).toThrow('no record 2');
  expect(() => batch.record(-1)).toThrow('no record -1');
});

test('values of one header name stand one after the other', () => {
  const headers = [
    ['h', '1'],
    ['n', null],
    ['h', null],
    ['h', '2'],
  ] as const;
  const batch = read({ firstOffset: 0, records: [{ headers }] });
  expect(batch.record(0).headers).toEqual({ h: '1,,2', n: '' });
});
