import { HOUR_MILLIS, hourOf } from '../../../services/shared/model/time.ts';
import { timeOf } from '../../../services/shared/model/time-text.ts';
import { uuidText } from '../../../services/shared/model/usage-event.ts';
import { loadRecords, totalsOf, type LoadOptions } from './load.ts';

const HOUR = hourOf(timeOf('2026-03-10T12:00:00Z'), HOUR_MILLIS);

const options: LoadOptions = {
  events: 5_000,
  tenants: 4,
  resources: 3,
  meters: 2,
  usageHours: 5,
  duplicates: 0.025,
  lateness: 0.05,
  seed: 7,
  partitions: 4,
};

const ids = (some: LoadOptions): string[] =>
  [...loadRecords(some, HOUR, HOUR_MILLIS)].map(({ event }) => uuidText(event.eventId));

test.each([
  options,
  { ...options, duplicates: 0 },
  { ...options, duplicates: 0.5 },
  { ...options, duplicates: 0.8, lateness: 1 },
  { ...options, events: 101 },
  { ...options, events: 17, lateness: 0.5 },
])('a load comes to exactly what its totals say: %j', (some) => {
  const records = [...loadRecords(some, HOUR, HOUR_MILLIS)];
  const windows = new Set(
    records.map(({ event }) =>
      [event.meterId, event.resourceUri, hourOf(event.usageStartTime, HOUR_MILLIS)].join(),
    ),
  );
  expect({
    records: records.length,
    events: new Set(records.map(({ event }) => uuidText(event.eventId))).size,
    windows: windows.size,
  }).toEqual(totalsOf(some));
  for (const { event } of records) {
    expect(hourOf(event.usageStartTime, HOUR_MILLIS) + HOUR_MILLIS).toBeGreaterThanOrEqual(
      event.usageEndTime,
    );
    expect(event.usageEndTime).toBeLessThanOrEqual(HOUR);
  }
});

test('the same seed gives the same load, another seed another one', () => {
  expect(ids(options)).toEqual(ids(options));
  expect(ids({ ...options, seed: 8 })).not.toEqual(ids(options));
});
