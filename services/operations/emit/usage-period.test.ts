import { HOUR_MILLIS, millis } from '../../shared/model/time.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import { usagePeriod } from './usage-period.ts';

const NOW = timeOf('2026-02-03T04:17:30.250Z');
const at = timeOf;

test('without a time it is the last full hour, which can be sent again', () => {
  expect(usagePeriod({ from: null, to: null }, HOUR_MILLIS, NOW)).toMatchObject({
    from: at('2026-02-03T03:00:00Z'),
    to: at('2026-02-03T04:00:00Z'),
  });
});

test('at the very start of an hour the one before it is full', () => {
  const hour = at('2026-02-03T04:00:00Z');
  expect(usagePeriod({ from: null, to: null }, HOUR_MILLIS, hour)?.to).toBe(hour);
});

test('with a start alone it ends with the hour of the start', () => {
  const from = at('2026-02-02T10:20:00Z');
  expect(usagePeriod({ from, to: null }, HOUR_MILLIS, NOW)).toMatchObject({
    from,
    to: at('2026-02-02T11:00:00Z'),
  });
  expect(usagePeriod({ from: at('2026-02-02T11:00:00Z'), to: null }, HOUR_MILLIS, NOW)?.to).toBe(
    at('2026-02-02T12:00:00Z'),
  );
});

test('with both nothing is assumed', () => {
  const [from, to] = [at('2026-02-01T00:00:00Z'), at('2026-02-02T00:00:00Z')];
  expect(usagePeriod({ from, to }, HOUR_MILLIS, NOW)).toEqual({ from, to, assumed: null });
});

test('an end alone says nothing', () => {
  expect(usagePeriod({ from: null, to: NOW }, HOUR_MILLIS, NOW)).toBeNull();
});

test('the hours are those of the source', () => {
  expect(usagePeriod({ from: null, to: null }, 60_000, NOW)).toMatchObject({
    from: millis(at('2026-02-03T04:16:00Z')),
    to: millis(at('2026-02-03T04:17:00Z')),
  });
});
