import { hourOf, HOUR_MILLIS, millis, type Hour } from '../../shared/model/time.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import { uuidText } from '../../shared/model/usage-event.ts';
import { withWorkers } from './app-service-workers.ts';
import { simulatedHistory } from './history.ts';
import { knownConsumption } from './known-consumption.ts';
import { seededCloud } from './seeded-cloud.ts';

const FIRST: Hour = timeOf('2026-02-03T04:00:00Z');
const OPERATOR = '39c82aed-b2b7-4a66-abdb-611de00bf11e';
const CLOUD = { seed: 1, subscriptions: 12 };

const historyOf = (hours: number, hourMillis: number, cloud = CLOUD) => {
  const lastHour = (FIRST + (hours - 1) * hourMillis) as Hour;
  const past = { ...cloud, operator: OPERATOR, firstHour: FIRST, lastHour, hourMillis };
  return { events: [...simulatedHistory(past)], end: lastHour + hourMillis };
};

test.each([HOUR_MILLIS, 60_000])(
  'history of hours of %i ms comes in the order of reported time, inside its hours, after the usage',
  (hourMillis) => {
    const { events, end } = historyOf(6, hourMillis);
    const times = events.map(({ reportedTime }) => reportedTime);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(FIRST);
    expect(times.at(-1)).toBeLessThan(end);
    for (const { event, reportedTime } of events) {
      expect(event.usageEndTime).toBeLessThanOrEqual(reportedTime);
      expect(hourOf(millis(event.usageEndTime - 1), hourMillis)).toBe(
        hourOf(event.usageStartTime, hourMillis),
      );
    }
    const late = events.filter(
      ({ event, reportedTime }) => reportedTime - event.usageEndTime >= hourMillis,
    );
    expect(late.length).toBeGreaterThan(0);
    expect(late.length).toBeLessThan(events.length / 10);
  },
);

test('each usage is reported once but for repeats, also where the cloud is drawn again', () => {
  const hours = 2 * 168 + 10;
  const cloud = { seed: 2, subscriptions: 1 };
  const { events } = historyOf(hours, HOUR_MILLIS, cloud);
  const reported = new Map<string, bigint>();
  for (const { event } of events) {
    const { eventId, quantity } = event;
    reported.set(uuidText(eventId), quantity);
  }
  expect(events.length).toBeGreaterThan(reported.size);
  const from = millis(FIRST - HOUR_MILLIS);
  const to = millis(from + hours * HOUR_MILLIS);
  let known = 0n;
  const resources = withWorkers(seededCloud({ ...cloud, from, to }), OPERATOR);
  for (const { quantity } of knownConsumption(resources, from, to)) {
    known += quantity;
  }
  expect([...reported.values()].reduce((sum, quantity) => sum + quantity, 0n)).toBe(known);
});

test('history that is written in two parts is the same as in one, but for what is late at the seam', () => {
  const whole = historyOf(6, HOUR_MILLIS).events;
  const lastHour = (FIRST + 2 * HOUR_MILLIS) as Hour;
  const past = { ...CLOUD, operator: OPERATOR, hourMillis: HOUR_MILLIS };
  const parts = [
    ...simulatedHistory({ ...past, firstHour: FIRST, lastHour }),
    ...simulatedHistory({
      ...past,
      firstHour: (lastHour + HOUR_MILLIS) as Hour,
      lastHour: (lastHour + 3 * HOUR_MILLIS) as Hour,
    }),
  ];
  const ids = (events: typeof whole) => events.map(({ event }) => uuidText(event.eventId)).sort();
  expect(ids(parts)).toEqual(ids(whole));
});
