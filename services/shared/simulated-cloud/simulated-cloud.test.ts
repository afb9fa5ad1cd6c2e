import fc from 'fast-check';
import { addQuantities, formatQuantity, ZERO, type Quantity } from '../decimal.ts';
import { HOUR_MILLIS, type Hour } from '../time.ts';
import { uuidText } from '../usage-event.ts';
import { simulatedCloud } from './cloud.ts';
import { simulatedHistory } from './history.ts';
import { partOf, usageOf } from './hourly-usage.ts';

const HOUR = Date.parse('2026-02-03T04:00:00Z') as Hour;

test('the same seed gives the same cloud and the same usage', () => {
  const one = simulatedCloud({ seed: 3, tenants: 5 });
  expect(simulatedCloud({ seed: 3, tenants: 5 })).toEqual(one);
  expect(simulatedCloud({ seed: 4, tenants: 5 })).not.toEqual(one);
  expect(one.map((resource) => usageOf(resource, HOUR))).toEqual(
    one.map((resource) => usageOf(resource, HOUR)),
  );
});

test('the parts of an hour add up to it exactly', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 45n), fc.integer({ min: 1, max: 400 }), (total, parts) => {
      const sum = Array.from({ length: parts }, (_, n) =>
        partOf(total as Quantity, n, parts),
      ).reduce(addQuantities, ZERO);
      expect(sum).toBe(total);
    }),
  );
});

test('a disk of February counts 1/672 of a month in an hour', () => {
  const disk = simulatedCloud({ seed: 1, tenants: 1 }).find(({ kind }) => kind === 'disk');
  expect(disk && usageOf(disk, HOUR).map(({ quantity }) => formatQuantity(quantity))).toEqual([
    String(1 / 672),
  ]);
});

test('history comes in order of reported time, inside its hours, each usage once but for repeats', () => {
  const resources = simulatedCloud({ seed: 1, tenants: 20 });
  const last = (HOUR + 5 * HOUR_MILLIS) as Hour;
  const events = [...simulatedHistory(resources, HOUR, last)];
  const times = events.map(({ reportedTime }) => reportedTime);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times[0]).toBeGreaterThanOrEqual(HOUR);
  expect(times.at(-1)).toBeLessThan(last + HOUR_MILLIS);
  const perHour = resources.flatMap((resource) => usageOf(resource, HOUR)).length;
  const ids = new Set(events.map(({ event }) => uuidText(event.eventId)));
  expect(ids.size).toBe(perHour * 6);
  expect(events.length).toBeGreaterThan(ids.size);
  const lateOnes = events.filter(
    ({ event, reportedTime }) => reportedTime - event.usageEndTime >= HOUR_MILLIS,
  );
  expect(lateOnes.length).toBeGreaterThan(0);
  for (const { event, reportedTime } of events) {
    expect(event.usageStartTime).toBeLessThan(reportedTime);
  }
});
