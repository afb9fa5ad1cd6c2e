import type { BatchMessage, FetchResponse } from './fetch-response.ts';
import { Patience, pauseOf } from './patience.ts';

/** An answer with a record at each offset, of a log that ends at `end`. */
const answerWith = (offsets: readonly number[], end: number): FetchResponse => ({
  throttleTime: 0,
  responses: [
    {
      topicName: 't',
      partitions: [
        {
          partition: 0,
          errorCode: 0,
          highWatermark: String(end),
          lastStableOffset: String(end),
          messages: offsets.map((offset): BatchMessage => ({
            offset: String(offset),
            isControlRecord: false,
            batch: {} as BatchMessage['batch'],
          })),
        },
      ],
    },
  ],
});

test('fetches wait for long, except for a while after an answer of which the log has more', () => {
  let now = 0;
  const patience = new Patience(() => now);
  const pause = pauseOf(800);
  const waits = (): readonly number[] => [patience.waitOf(pause), patience.waitOf(1)];
  expect(waits()).toEqual([160, 4]); // a process that begins may be behind
  now = 4_999;
  patience.answered(answerWith([5, 6], 7));
  patience.answered(answerWith([], 7));
  expect(waits()).toEqual([160, 4]);
  now = 5_000;
  expect(waits()).toEqual([800, 20]);
  patience.answered(answerWith([5, 6], 8));
  expect(waits()).toEqual([160, 4]);
  now = 9_999;
  expect(waits()).toEqual([160, 4]);
  now = 10_000;
  expect(waits()).toEqual([800, 20]);
});
