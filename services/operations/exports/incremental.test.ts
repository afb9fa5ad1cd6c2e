import { coverageOf } from '../../shared/sources/coverage.ts';
import type { Source } from '../../shared/model/source.ts';
import { HOUR_MILLIS, millis, type Hour } from '../../shared/model/time.ts';
import { leftOf, withSpan, type HourSpan } from './hour-spans.ts';
import { changedHours, grownParts, readySpans, spansToExport } from './incremental.ts';

const START = Date.UTC(2026, 0, 1);
const hour = (n: number): Hour => (START + n * HOUR_MILLIS) as Hour;
const span = (from: number, to: number): HourSpan => ({ from: hour(from), to: hour(to) });

const source = (change: Partial<Source>): Source => ({
  topic: 'usage.events.compute',
  epoch: 1,
  kind: 'live',
  partitions: 1,
  firstHour: hour(10),
  lastHour: null,
  hourMillis: HOUR_MILLIS,
  predecessor: null,
  state: 'open',
  billable: true,
  namespaces: ['*'],
  origin: 'live',
  ...change,
});

const coverage = (sources: readonly (readonly [Source, Hour])[]) =>
  coverageOf(
    sources.map(([each]) => each),
    sources.map(([{ topic, epoch, state }, openHour]) => ({
      topic,
      epoch,
      partition: 0,
      openHour,
      sealed: state === 'sealed',
    })),
  );

const hours = (spans: readonly HourSpan[]): readonly number[] =>
  spans.map(({ from }) => (from - START) / HOUR_MILLIS);

const LIVE: readonly [Source, Hour] = [source({}), hour(13)];
const HISTORY = source({
  topic: 'usage.history.x',
  kind: 'history',
  firstHour: hour(2),
  lastHour: hour(3),
  state: 'sealed',
});

test('complete hours are exported in order, and the open one is not', () => {
  expect(hours(spansToExport(coverage([LIVE]), [], null, HOUR_MILLIS))).toEqual([10, 11, 12]);
});

test('hours that are exported are not exported again', () => {
  const found = spansToExport(coverage([LIVE]), [span(10, 12)], null, HOUR_MILLIS);
  expect(hours(found)).toEqual([12]);
});

test('a history run that is imported later is exported then, and hours without a source are not', () => {
  const all = coverage([LIVE, [HISTORY, hour(4)]]);
  expect(hours(spansToExport(all, [], null, HOUR_MILLIS))).toEqual([2, 3, 10, 11, 12]);
  expect(hours(spansToExport(all, [span(10, 13)], null, HOUR_MILLIS))).toEqual([2, 3]);
  const writing: Source = { ...HISTORY, state: 'written' };
  expect(hours(spansToExport(coverage([LIVE, [writing, hour(4)]]), [], null, HOUR_MILLIS))).toEqual(
    [10, 11, 12],
  );
});

test('nothing before the first hour that is asked for is exported', () => {
  expect(hours(spansToExport(coverage([LIVE]), [], hour(12), HOUR_MILLIS))).toEqual([12]);
  expect(spansToExport(coverage([LIVE]), [], hour(20), HOUR_MILLIS)).toEqual([]);
  expect(spansToExport(coverage([]), [], null, HOUR_MILLIS)).toEqual([]);
});

test('a day is exported when all its hours are complete, also where no source covers some of them', () => {
  const day = 24 * HOUR_MILLIS;
  const at = (openHour: number) =>
    coverage([
      [source({}), hour(openHour)],
      [HISTORY, hour(4)],
    ]);
  expect(hours(spansToExport(at(23), [], null, day))).toEqual([]);
  expect(hours(spansToExport(at(24), [], null, day))).toEqual([0]);
  expect(hours(spansToExport(at(50), [span(0, 24)], null, day))).toEqual([24]);
});

test('late-history-of-a-day: a day that was exported in part is not whole when a run adds its other hours, and is named', () => {
  const day = 24 * HOUR_MILLIS;
  const live: readonly [Source, Hour] = [source({}), hour(30)];
  const before = coverage([live]);
  expect(hours(spansToExport(before, [], null, day))).toEqual([0]);
  const exported = [span(10, 24)];
  expect(grownParts(before, exported, day)).toEqual([]);
  const after = coverage([live, [HISTORY, hour(4)]]);
  expect(hours(spansToExport(after, exported, null, day))).toEqual([]);
  expect(hours(grownParts(after, exported, day))).toEqual([2]);
  expect(grownParts(after, [span(2, 4), span(10, 24)], day)).toEqual([]);
  expect(grownParts(after, [span(10, 24)], HOUR_MILLIS)).toEqual([]);
});

test('history-up-to-the-first-live-hour: a day that was exported in part was exported again, with its rows twice, when a run filled it without a gap', () => {
  const day = 24 * HOUR_MILLIS;
  const run = { ...HISTORY, lastHour: hour(9) };
  const after = coverage([
    [source({}), hour(30)],
    [run, hour(10)],
  ]);
  const exported = [span(10, 24)];
  expect(hours(spansToExport(after, exported, null, day))).toEqual([]);
  expect(grownParts(after, exported, day)).toEqual([span(2, 10)]);
  expect(grownParts(after, [span(2, 4), span(10, 24)], day)).toEqual([span(4, 10)]);
});

test('restated-hour-behind-the-export: an hour right behind what is exported has no file that could be wrong', () => {
  const restated = [{ hour: hour(24), generation: 1 }];
  const state = { exported: [span(0, 24)], restated: [] };
  expect(changedHours(state, restated)).toEqual([]);
  expect(changedHours({ ...state, exported: [span(0, 25)] }, restated)).toEqual(restated);
  expect(changedHours({ exported: [span(0, 25)], restated }, restated)).toEqual([]);
});

test('one-unready-day-stops-all: a day in which a run is still written waits, and others are written again', () => {
  const day = 24 * HOUR_MILLIS;
  const open: Source = { ...HISTORY, topic: 'usage.history.y', state: 'open' };
  const all = coverage([
    [source({}), hour(50)],
    [open, hour(2)],
  ]);
  expect(hours(readySpans(all, [hour(12), hour(30), hour(31)], day))).toEqual([24]);
});

test('what is left of a span is before, between and behind what is taken of it', () => {
  expect(leftOf(span(0, 24), [])).toEqual([span(0, 24)]);
  expect(leftOf(span(4, 20), [span(0, 6), span(8, 10), span(18, 24)])).toEqual([
    span(6, 8),
    span(10, 18),
  ]);
  expect(leftOf(span(4, 20), [span(0, 4), span(20, 21)])).toEqual([span(4, 20)]);
  expect(leftOf(span(4, 20), [span(4, 20)])).toEqual([]);
});

test('neighbouring spans become one', () => {
  expect(withSpan([span(0, 1), span(3, 4)], span(1, 2))).toEqual([span(0, 2), span(3, 4)]);
  expect(withSpan([span(0, 2), span(3, 4)], span(2, 3))).toEqual([span(0, 4)]);
  expect(withSpan([span(0, 4)], span(1, 2))).toEqual([span(0, 4)]);
  expect(withSpan([], { from: millis(0), to: millis(1) })).toEqual([{ from: 0, to: 1 }]);
});
