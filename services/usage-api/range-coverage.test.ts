import type { Coverage } from '../shared/sources/coverage.ts';
import { coverageOf } from '../shared/sources/coverage.ts';
import type { Source } from '../shared/model/source.ts';
import { HOUR_MILLIS, millis, type Millis } from '../shared/model/time.ts';
import { rangeCoverage } from './range-coverage.ts';

const at = (hour: number): Millis => millis(Date.UTC(2019, 11, 10, hour));

const run = (topic: string, first: number, last: number): Source => ({
  topic,
  epoch: 1,
  kind: 'history',
  partitions: 1,
  firstHour: at(first),
  lastHour: at(last),
  hourMillis: HOUR_MILLIS,
  predecessor: null,
  state: 'sealed',
  billable: false,
  namespaces: ['*'],
  origin: 'test',
});

/** 2:00 to 4:00 and 6:00 to 7:00 are covered. */
const COVERAGE: Coverage = coverageOf(
  [run('a', 2, 3), run('b', 6, 6)],
  [
    { topic: 'a', epoch: 1, partition: 0, openHour: at(4), sealed: true },
    { topic: 'b', epoch: 1, partition: 0, openHour: at(7), sealed: true },
  ],
);

const span = (from: number, to: number): string =>
  [from, to].map((hour) => `2019-12-10T${String(hour).padStart(2, '0')}:00:00Z`).join('/');

test.each([
  [2, 4, 'complete', []],
  [3, 4, 'complete', []],
  [6, 7, 'complete', []],
  [0, 2, 'not-covered', [span(0, 2)]],
  [4, 6, 'not-covered', [span(4, 6)]],
  [8, 9, 'not-covered', [span(8, 9)]],
  [3, 5, 'partly', [span(4, 5)]],
  [0, 9, 'partly', [span(0, 2), span(4, 6), span(7, 9)]],
] as const)('from %i to %i it is %s', (from, to, word, notCovered) => {
  expect(rangeCoverage(COVERAGE, at(from), at(to))).toEqual({ word, notCovered });
});

test('without any source nothing is covered', () => {
  expect(rangeCoverage(coverageOf([], []), at(0), at(1))).toEqual({
    word: 'not-covered',
    notCovered: [span(0, 1)],
  });
});
