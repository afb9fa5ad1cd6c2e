import { hourOf, HOUR_MILLIS, millis } from './time.ts';
import { parseClosedMarker, serializeClosedMarker, type ClosedMarker } from './usage-aggregate.ts';

const marker: ClosedMarker = {
  topic: 'usage.events.compute',
  epoch: 1,
  partition: 0,
  reportedHour: hourOf(millis(Date.UTC(2026, 0, 10)), HOUR_MILLIS),
  parts: 0,
  digest: 'ab',
};

test('a closed marker is read as it was written', () => {
  expect(parseClosedMarker(serializeClosedMarker(marker))).toEqual(marker);
});

test.each<[string, unknown]>([
  ['null', null],
  ['a number of parts below zero', { ...marker, parts: -1 }],
  ['a partition below zero', { ...marker, partition: -1 }],
  ['epoch 0', { ...marker, epoch: 0 }],
  ['an hour in text', { ...marker, reportedHour: '2026-01-10T00:00:00Z' }],
  ['no digest', { ...marker, digest: undefined }],
  ['a field too many', { ...marker, x: 1 }],
])('%s is no closed marker', (_, value) => {
  expect(parseClosedMarker(JSON.stringify(value))).toBeNull();
});

test('text that is no JSON is no closed marker', () => {
  expect(parseClosedMarker('closed')).toBeNull();
});
