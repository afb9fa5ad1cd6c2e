import type { Source } from '../../shared/model/source.ts';
import { HOUR_MILLIS, type Hour } from '../../shared/model/time.ts';
import { historyRefusal } from './history-rules.ts';
import { timeOf } from '../../shared/model/time-text.ts';

const NOW = timeOf('2026-02-03T04:30:00Z');
const hour = (text: string): Hour => timeOf(`2026-02-0${text}:00:00Z`);

const source = (changes: Partial<Source>): Source => ({
  topic: 'usage.history.a',
  epoch: 1,
  kind: 'history',
  partitions: 1,
  firstHour: hour('1T00'),
  lastHour: hour('1T05'),
  hourMillis: HOUR_MILLIS,
  predecessor: null,
  state: 'sealed',
  billable: true,
  namespaces: ['*'],
  origin: 'a',
  ...changes,
});

const kindOf = (sources: readonly Source[], from: string, to: string): string | null =>
  historyRefusal(
    sources,
    {
      topic: 'usage.history.b',
      firstHour: hour(from),
      lastHour: hour(to),
      hourMillis: HOUR_MILLIS,
    },
    NOW,
  )?.kind ?? null;

test('a run may stand before, behind and between others, and shares no hour with one', () => {
  const sources = [
    source({}),
    source({ topic: 'c', firstHour: hour('1T10'), lastHour: hour('1T11') }),
  ];
  expect(kindOf(sources, '1T06', '1T09')).toBeNull();
  expect(kindOf(sources, '1T12', '1T20')).toBeNull();
  expect(kindOf(sources, '1T05', '1T06')).toBe('overlap');
  expect(kindOf(sources, '1T09', '1T10')).toBe('overlap');
  expect(kindOf(sources, '1T02', '1T03')).toBe('overlap');
});

test('an abandoned run covers nothing', () => {
  expect(kindOf([source({ state: 'abandoned' })], '1T00', '1T05')).toBeNull();
});

test('a run ends before the first live hour', () => {
  const live = source({
    kind: 'live',
    topic: 'l',
    firstHour: hour('2T00'),
    lastHour: null,
    state: 'open',
  });
  expect(kindOf([live], '1T00', '1T23')).toBeNull();
  expect(kindOf([live], '1T00', '2T00')).toBe('after-live');
});

test('a run ends before now', () => {
  expect(kindOf([], '3T00', '3T03')).toBeNull();
  expect(kindOf([], '3T00', '3T04')).toBe('in-future');
});
