import { HOUR_MILLIS, type Hour, type Millis } from '../shared/time.ts';
import { endOf, lastEnded, partAfter } from './reporting-clock.ts';

const HOUR = Date.parse('2026-02-03T04:00:00Z') as Hour;

test('the last ended part is the one before the instant', () => {
  expect(lastEnded((HOUR + 9_000) as Millis, 400)).toEqual({ hour: HOUR, n: 0 });
  expect(lastEnded((HOUR + 8_999) as Millis, 400)).toEqual({ hour: HOUR - HOUR_MILLIS, n: 399 });
});

test('parts follow one another without a gap, over the hour', () => {
  let part = { hour: HOUR, n: 397 };
  let end = endOf(part, 400);
  for (let i = 0; i < 5; i++) {
    part = partAfter(part, 400);
    expect(endOf(part, 400)).toBe(end + 9_000);
    end += 9_000;
  }
  expect(part).toEqual({ hour: HOUR + HOUR_MILLIS, n: 2 });
});
