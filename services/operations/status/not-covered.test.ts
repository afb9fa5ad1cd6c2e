import { coverageOf } from '../../shared/sources/coverage.ts';
import type { Source } from '../../shared/model/source.ts';
import { HOUR_MILLIS, type Hour } from '../../shared/model/time.ts';
import { notCovered, notCoveredLine } from './not-covered.ts';

const at = (hour: number): Hour => Date.UTC(2019, 11, 10, hour) as Hour;

const source = (topic: string, first: number, last: number | null): Source => ({
  topic,
  epoch: 1,
  kind: last === null ? 'live' : 'history',
  partitions: 1,
  firstHour: at(first),
  lastHour: last === null ? null : at(last),
  hourMillis: HOUR_MILLIS,
  predecessor: null,
  state: 'open',
  billable: false,
  namespaces: ['*'],
  origin: 'test',
});

const line = (...sources: readonly Source[]): string =>
  notCoveredLine(notCovered(coverageOf(sources, [])));

test('before the first source nobody knows of usage, nor between two of them', () => {
  expect(line(source('run', 2, 3), source('live', 6, null))).toBe(
    'before 2019-12-10T02:00:00Z; 2019-12-10T04:00:00Z to 2019-12-10T06:00:00Z',
  );
});

test('nor after the last one, where none is live', () => {
  expect(line(source('run', 2, 3))).toBe(
    'before 2019-12-10T02:00:00Z; from 2019-12-10T04:00:00Z on',
  );
  expect(line()).toBe('everything: there is no source');
});

test('of many gaps the last ones are told', () => {
  const runs = [0, 2, 4, 6].map((hour) => source(`run${String(hour)}`, hour, hour));
  expect(line(...runs, source('live', 8, null))).toBe(
    '2 more, see "usagectl sources coverage"; 2019-12-10T03:00:00Z to 2019-12-10T04:00:00Z; 2019-12-10T05:00:00Z to 2019-12-10T06:00:00Z; 2019-12-10T07:00:00Z to 2019-12-10T08:00:00Z',
  );
});
