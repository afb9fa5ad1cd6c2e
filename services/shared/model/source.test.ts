import { coveredHours, partitionName, sourceFor, type Source } from './source.ts';
import type { Hour } from './time.ts';

const source: Source = {
  topic: 'usage.history.run',
  epoch: 2,
  kind: 'history',
  partitions: 1,
  firstHour: Date.UTC(2019, 11, 10, 19) as Hour,
  lastHour: Date.UTC(2019, 11, 10, 19) as Hour,
  hourMillis: 3_600_000,
  predecessor: 1,
  state: 'open',
  billable: false,
  namespaces: ['*'],
  origin: 'x',
};

test('a partition is named by topic, epoch and number', () => {
  expect(partitionName({ ...source, partition: 3 })).toBe('usage.history.run/2[3]');
});

test('the hours of a run end with the end of its last one; a live source has no last one', () => {
  expect(coveredHours(source)).toBe('2019-12-10T19:00:00Z to 2019-12-10T20:00:00Z');
  expect(coveredHours({ ...source, lastHour: null })).toBe('from 2019-12-10T19:00:00Z on');
});

test('usage of a namespace goes to the newest open live source that serves it, or serves all', () => {
  const live: Source = { ...source, topic: 'usage.events.a', kind: 'live', namespaces: ['a'] };
  const all: Source = { ...live, topic: 'usage.events.all', epoch: 1, namespaces: ['*'] };
  const earlier: Source = { ...live, epoch: 1, state: 'sealed' };
  const found = (namespace: string | null): string | undefined =>
    sourceFor([source, all, earlier, live], namespace)?.topic;
  expect(found('a')).toBe('usage.events.a');
  expect(found('b')).toBe('usage.events.all');
  expect(found(null)).toBeUndefined();
  expect(sourceFor([source, earlier], 'a')).toBeNull();
});
