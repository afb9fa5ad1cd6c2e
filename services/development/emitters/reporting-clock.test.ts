import { HOUR_MILLIS, type Millis } from '../../shared/model/time.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import { endOf, lastEnded, partAfter, partsOf } from './reporting-clock.ts';

const HOUR = timeOf('2026-02-03T04:00:00Z');
const NINE_SECONDS = partsOf(HOUR_MILLIS, null);

test('the last ended part is the one before the instant', () => {
  expect(lastEnded((HOUR + 9_000) as Millis, NINE_SECONDS)).toEqual({ hour: HOUR, n: 0 });
  expect(lastEnded((HOUR + 8_999) as Millis, NINE_SECONDS)).toEqual({
    hour: HOUR - HOUR_MILLIS,
    n: 399,
  });
});

test.each([HOUR_MILLIS, 60_000, 1_000])(
  'in hours of %i ms parts follow one another without a gap, over the hour',
  (hourMillis) => {
    const clock = partsOf(hourMillis, 4);
    let part = { hour: HOUR, n: 1 };
    let end = endOf(part, clock);
    for (let i = 0; i < 5; i++) {
      part = partAfter(part, clock);
      expect(endOf(part, clock)).toBe(end + hourMillis / 4);
      expect(lastEnded(endOf(part, clock) as Millis, clock)).toEqual(part);
      end += hourMillis / 4;
    }
    expect(part).toEqual({ hour: HOUR + hourMillis, n: 2 });
  },
);

test.each([
  [HOUR_MILLIS, 400],
  [60_000, 8],
  [20_000, 4],
  [5_000, 1],
])('an hour of %i ms has %i reports where nothing else is asked for', (hourMillis, parts) => {
  expect(partsOf(hourMillis, null)).toEqual({ hourMillis, parts });
});

test('parts that are no whole milliseconds are refused with the setting to change', () => {
  expect(() => partsOf(5_000, 400)).toThrow(/EMITTER_REPORTS_PER_HOUR is 400 and must divide/);
  expect(partsOf(5_000, 50).parts).toBe(50);
});
