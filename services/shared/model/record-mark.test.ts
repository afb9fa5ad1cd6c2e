import type { LogRecord } from './log-record.ts';
import { millis } from './time.ts';
import { markOf, recordDigest } from './record-mark.ts';

const record: LogRecord = {
  offset: 3,
  timestamp: millis(1000),
  key: Buffer.from('key'),
  value: Buffer.from('value'),
  headers: { a: '1', b: '2' },
};

test('records differ by offset, time, key, value and headers', () => {
  const others: LogRecord[] = [
    record,
    { ...record, offset: 4 },
    { ...record, timestamp: millis(1001) },
    { ...record, key: null },
    { ...record, key: Buffer.alloc(0) },
    { ...record, value: null },
    { ...record, value: Buffer.alloc(0) },
    { ...record, key: Buffer.from('keyv'), value: Buffer.from('alue') },
    { ...record, headers: {} },
    { ...record, headers: { a: '1', b: '3' } },
    { ...record, headers: { a: '1b', '2': '' } },
  ];
  expect(new Set(others.map(recordDigest)).size).toBe(others.length);
});

test('the order in which headers are read makes no difference', () => {
  expect(recordDigest({ ...record, headers: { b: '2', a: '1' } })).toBe(recordDigest(record));
});

test('the digest is what stored checkpoints hold: it never changes', () => {
  expect(recordDigest(record)).toBe('5e22d410ecd71db6023574e4c1cb4bf4');
});

test('a mark is made once', () => {
  const mark = markOf(record);
  expect(mark).toEqual({ offset: 3, digest: recordDigest(record) });
  expect(markOf(mark)).toBe(mark);
  expect(markOf(null)).toBeNull();
});
