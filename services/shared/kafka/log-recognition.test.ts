import { encodedBatch } from '../../../test/support/kafka/record-batch.ts';
import type { LogRecord } from '../model/log-record.ts';
import { recordsOf, type RecordBatch } from '../model/record-batch.ts';
import { markOf } from '../model/record-mark.ts';
import type { Result } from '../model/result.ts';
import { millis } from '../model/time.ts';
import { LogRecognition, type LogHalt } from './log-recognition.ts';

const at = (offset: number, value = 'v'): LogRecord => ({
  ...{ offset, timestamp: millis(offset), key: null, value: Buffer.from(value), headers: {} },
});

const folded = { nextOffset: 8, lastRecord: markOf(at(7)) };
const recognition = (): LogRecognition =>
  new LogRecognition(() => Promise.resolve({ low: 0, high: 10 }));

const offsetsOf = (found: Result<readonly RecordBatch[], LogHalt>): number[] | string =>
  found.ok ? recordsOf(found.value).map(({ offset }) => offset) : found.error.code;

test('the last record folded comes again as it was, and what stands behind it is given', async () => {
  const log = recognition();
  const found = await log.recognise(folded, [encodedBatch([at(6), at(7), at(8), at(9)])], 10);
  expect(offsetsOf(found)).toEqual([8, 9]);
  expect(log.isVerified).toBe(true);
});

test('a log with another record in its place is another log', async () => {
  const other = [encodedBatch([at(7, 'other'), at(8)])];
  expect(offsetsOf(await recognition().recognise(folded, other, 9))).toBe('another-log');
  // Nor is it the same one where it comes without that record.
  expect(offsetsOf(await recognition().recognise(folded, [encodedBatch([at(8)])], 9))).toBe(
    'another-log',
  );
});

test('of a batch that is read to recognise a log one record becomes an object', async () => {
  const asked: number[] = [];
  const whole = encodedBatch([at(6), at(7), at(8), at(9)]);
  const counted: RecordBatch = {
    ...whole,
    record: (n) => {
      asked.push(n);
      return whole.record(n);
    },
  };
  await recognition().recognise(folded, [counted], 10);
  expect(asked).toEqual([1]);
});
