import { timeOf } from '../../../shared/model/time-text.ts';
import { HOUR_MILLIS, type Hour } from '../../../shared/model/time.ts';
import type { Source } from '../../../shared/model/source.ts';
import { liveBegin } from './live-begin.ts';

const FIRST = timeOf('2026-02-03T04:00:00Z');
const CLOUD = { CLOUD_SEED: 3 };

const live = (firstHour: Hour, topic = 'usage.events.compute', epoch = 1): Source => ({
  topic,
  epoch,
  kind: 'live',
  partitions: 2,
  firstHour,
  lastHour: null,
  hourMillis: HOUR_MILLIS,
  predecessor: null,
  state: 'open',
  billable: true,
  namespaces: ['microsoft.compute'],
  origin: 'live',
});

const history = (origin: string, last: Hour): Source => ({
  ...live((last - HOUR_MILLIS) as Hour, 'usage.history.1'),
  kind: 'history',
  lastHour: last,
  origin,
  state: 'sealed',
});

const before = (hours: number): Hour => (FIRST - hours * HOUR_MILLIS) as Hour;

test('without a history, live usage begins with the live hours of the topic, also in a later epoch', () => {
  const later = live((FIRST + 5 * HOUR_MILLIS) as Hour, 'usage.events.compute', 2);
  const sources = [later, live(FIRST), live(before(9), 'usage.events.storage')];
  expect(liveBegin(sources, 'usage.events.compute', CLOUD)).toBe(FIRST);
});

test('it goes on where the history of the same cloud ends: with the hour that nobody has reported', () => {
  const sources = [live(FIRST), history('simulated:3:8:x', before(1))];
  expect(liveBegin(sources, 'usage.events.compute', CLOUD)).toBe(before(1));
});

test.each([
  ['of another seed', history('simulated:33:8:x', before(1))],
  ['that ends earlier', history('simulated:3:8:x', before(2))],
  ['that is a recording', history('sha256:x', before(1))],
  ['that was abandoned', { ...history('simulated:3:8:x', before(1)), state: 'abandoned' as const }],
])('a history %s does not count', (_, other) => {
  expect(liveBegin([live(FIRST), other], 'usage.events.compute', CLOUD)).toBe(FIRST);
});
