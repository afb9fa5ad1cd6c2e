import type { Source } from '../model/source.ts';
import { HOUR_MILLIS, type Hour } from '../model/time.ts';
import {
  countedSources,
  coverageOf,
  firstProcessing,
  hourState,
  stateSpans,
  type Coverage,
  type PartitionProgress,
} from './coverage.ts';

const hour = (number: number): Hour => (number * HOUR_MILLIS) as Hour;

const source = (topic: string, firstHour: number, changes: Partial<Source> = {}): Source => ({
  topic,
  epoch: 1,
  kind: 'live',
  partitions: 2,
  firstHour: hour(firstHour),
  lastHour: null,
  hourMillis: HOUR_MILLIS,
  predecessor: null,
  state: 'open',
  billable: true,
  namespaces: ['microsoft.compute'],
  origin: 'live',
  ...changes,
});

const history = (topic: string, first: number, last: number, state: Source['state']): Source =>
  source(topic, first, { kind: 'history', lastHour: hour(last), state, namespaces: ['*'] });

const closed = (
  topic: string,
  through: readonly number[],
  { epoch = 1, sealed = false } = {},
): readonly PartitionProgress[] =>
  through.map((each, partition) => ({
    topic,
    epoch,
    partition,
    openHour: hour(each),
    sealed,
  }));

const states = (coverage: Coverage, from: number, to: number): readonly string[] =>
  Array.from({ length: to - from }, (_, index) =>
    hourState(coverage, hour(from + index), HOUR_MILLIS),
  );

describe('live sources', () => {
  test('an hour is complete once every partition of every live source has closed it', () => {
    const coverage = coverageOf(
      [source('compute', 10), source('storage', 10)],
      [...closed('compute', [13, 14]), ...closed('storage', [12, 15])],
    );
    expect(coverage.completeBefore).toBe(hour(12));
    expect(states(coverage, 9, 14)).toEqual([
      'not-covered',
      'complete',
      'complete',
      'processing',
      'processing',
    ]);
  });

  test('a partition without a checkpoint is open at the first hour of its source', () => {
    const coverage = coverageOf(
      [source('compute', 10), source('storage', 12)],
      [...closed('compute', [15, 15]), ...closed('storage', [14])],
    );
    expect(coverage.completeBefore).toBe(hour(12));
  });

  test('a declared source counts before its topic exists', () => {
    const coverage = coverageOf(
      [source('compute', 10), source('storage', 11, { state: 'declared' })],
      closed('compute', [15, 15]),
    );
    expect(states(coverage, 10, 12)).toEqual(['complete', 'processing']);
  });

  test('without any live source nothing is complete through an hour, and no hour is covered', () => {
    const coverage = coverageOf([], closed('unknown', [20]));
    expect(coverage.completeBefore).toBeNull();
    expect(states(coverage, 0, 1)).toEqual(['not-covered']);
  });

  test('a sealed epoch holds nothing up, also where its partitions ended in different hours', () => {
    const old = source('compute', 10, { state: 'sealed' });
    const next = source('compute', 15, { epoch: 2, predecessor: 1 });
    const sealed = closed('compute', [12, 13], { sealed: true });
    expect(coverageOf([old, next], sealed).completeBefore).toBe(hour(15));
    const moved = coverageOf(
      [old, next],
      [...sealed, ...closed('compute', [18, 17], { epoch: 2 })],
    );
    expect(moved.completeBefore).toBe(hour(17));
    expect(states(moved, 10, 18)).toEqual([...Array<string>(7).fill('complete'), 'processing']);
  });

  test('beyond live sources that are all sealed nothing is complete: a next epoch may follow', () => {
    const coverage = coverageOf(
      [source('compute', 10, { state: 'sealed' })],
      closed('compute', [12, 13], { sealed: true }),
    );
    expect(states(coverage, 12, 14)).toEqual(['complete', 'processing']);
  });

  test('an epoch that is sealed in the register but not in its log holds the hours up', () => {
    const coverage = coverageOf(
      [source('compute', 10, { state: 'sealed' }), source('compute', 15, { epoch: 2 })],
      [...closed('compute', [12, 13]), ...closed('compute', [18, 18], { epoch: 2 })],
    );
    expect(coverage.completeBefore).toBe(hour(12));
  });
});

describe('history', () => {
  const live = source('compute', 20);
  const progress = closed('compute', [22, 22]);

  test('a sealed run whose partitions closed all its hours is complete, around it nothing is covered', () => {
    const coverage = coverageOf(
      [history('run', 5, 6, 'sealed'), live],
      [...closed('run', [7, 7], { sealed: true }), ...progress],
    );
    expect(states(coverage, 4, 8)).toEqual(['not-covered', 'complete', 'complete', 'not-covered']);
  });

  test('a sealed run is processing where a partition is behind', () => {
    const run = history('run', 5, 6, 'sealed');
    expect(states(coverageOf([run], closed('run', [7, 6])), 5, 7)).toEqual([
      'complete',
      'processing',
    ]);
    expect(states(coverageOf([run], closed('run', [7])), 5, 7)).toEqual([
      'processing',
      'processing',
    ]);
  });

  test.each(['declared', 'open', 'written'] as const)('a run that is %s is processing', (state) => {
    const coverage = coverageOf([history('run', 5, 6, state)], closed('run', [7, 7]));
    expect(states(coverage, 4, 8)).toEqual([
      'not-covered',
      'processing',
      'processing',
      'not-covered',
    ]);
  });

  test('an abandoned run covers nothing, and another run may cover its hours', () => {
    const abandoned = history('first', 5, 6, 'abandoned');
    expect(states(coverageOf([abandoned], []), 5, 6)).toEqual(['not-covered']);
    const again = coverageOf(
      [abandoned, history('second', 5, 6, 'sealed')],
      closed('second', [7, 7], { sealed: true }),
    );
    expect(states(again, 5, 7)).toEqual(['complete', 'complete']);
    expect(countedSources(again, hour(5), hour(6))).toEqual([{ topic: 'second', epoch: 1 }]);
  });
});

describe('a range', () => {
  const coverage = coverageOf(
    [
      history('old', 2, 3, 'sealed'),
      history('importing', 6, 7, 'open'),
      history('given-up', 9, 9, 'abandoned'),
      source('compute', 20),
    ],
    [...closed('old', [4, 4], { sealed: true }), ...closed('compute', [22, 23])],
  );

  test.each([
    [0, 6, null],
    [0, 7, 6],
    [7, 20, 7],
    [8, 22, null],
    [8, 23, 22],
    [30, 31, 30],
  ])('from hour %i to %i the first hour that is still processing is %p', (from, to, first) => {
    expect(firstProcessing(coverage, hour(from), hour(to))).toBe(
      first === null ? null : hour(first),
    );
  });

  test('all of reported time is told in spans, one after another', () => {
    const spans = stateSpans(coverage, -Infinity as Hour, Infinity as Hour);
    expect(
      spans.map(({ from, to, state }) => [from / HOUR_MILLIS, to / HOUR_MILLIS, state]),
    ).toEqual([
      [-Infinity, 2, 'not-covered'],
      [2, 4, 'complete'],
      [4, 6, 'not-covered'],
      [6, 8, 'processing'],
      [8, 20, 'not-covered'],
      [20, 22, 'complete'],
      [22, Infinity, 'processing'],
    ]);
    expect(stateSpans(coverage, hour(3), hour(7))).toEqual([
      { from: hour(3), to: hour(4), state: 'complete' },
      { from: hour(4), to: hour(6), state: 'not-covered' },
      { from: hour(6), to: hour(7), state: 'processing' },
    ]);
  });

  test('its rows come from live sources and sealed runs that overlap it', () => {
    const topics = (from: number, to: number): readonly string[] =>
      countedSources(coverage, hour(from), hour(to)).map(({ topic }) => topic);
    expect(topics(0, 2)).toEqual([]);
    expect(topics(3, 6)).toEqual(['old']);
    expect(topics(4, 6)).toEqual([]);
    expect(topics(8, 20)).toEqual([]);
    expect(topics(8, 21)).toEqual(['compute']);
  });
});

describe('spans of one state', () => {
  test('neighbours in the same state are one span, whatever sources they come from', () => {
    const coverage = coverageOf(
      [history('first', 3, 4, 'sealed'), history('second', 5, 6, 'sealed')],
      [...closed('first', [5, 5], { sealed: true }), ...closed('second', [7, 7], { sealed: true })],
    );
    expect(stateSpans(coverage, hour(2), hour(8))).toEqual([
      { from: hour(2), to: hour(3), state: 'not-covered' },
      { from: hour(3), to: hour(7), state: 'complete' },
      { from: hour(7), to: hour(8), state: 'not-covered' },
    ]);
  });

  test('an hour that two sources cover is complete once both have closed it', () => {
    const coverage = coverageOf(
      [source('compute', 10), history('run', 10, 12, 'sealed')],
      [...closed('compute', [11, 11]), ...closed('run', [13, 13], { sealed: true })],
    );
    expect(states(coverage, 10, 13)).toEqual(['complete', 'processing', 'processing']);
  });

  test('a history run whose last hour is not known covers all from its first one', () => {
    const run = source('run', 10, { kind: 'history', state: 'written' });
    expect(states(coverageOf([run], []), 9, 12)).toEqual([
      'not-covered',
      'processing',
      'processing',
    ]);
  });

  test('without a live source there is no first live hour', () => {
    const coverage = coverageOf([history('run', 10, 12, 'sealed')], []);
    expect(coverage.firstLiveHour).toBeNull();
    expect(coverage.completeBefore).toBeNull();
  });
});
