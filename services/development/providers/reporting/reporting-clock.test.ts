import { HOUR_MILLIS, millis } from '../../../shared/model/time.ts';
import { timeOf } from '../../../shared/model/time-text.ts';
import { reportingClock, sliceStart } from './reporting-clock.ts';

const HOUR = timeOf('2026-02-03T04:00:00Z');

test('the slice of an instant begins at it or before', () => {
  const clock = reportingClock(HOUR_MILLIS, null);
  expect(sliceStart(HOUR, clock)).toBe(HOUR);
  expect(sliceStart(millis(HOUR + 8_999), clock)).toBe(HOUR);
  expect(sliceStart(millis(HOUR + 9_000), clock)).toBe(HOUR + 9_000);
});

test.each([
  [HOUR_MILLIS, 400],
  [60_000, 8],
  [20_000, 4],
  [5_000, 1],
])('an hour of %i ms has %i reports where nothing else is asked for', (hourMillis, reports) => {
  expect(reportingClock(hourMillis, null)).toEqual({
    hourMillis,
    sliceMillis: hourMillis / reports,
  });
});

test('slices that are no whole milliseconds are refused with the setting to change', () => {
  expect(() => reportingClock(5_000, 400)).toThrow(/CLOUD_REPORTS_PER_HOUR is 400 and must divide/);
  expect(reportingClock(5_000, 50).sliceMillis).toBe(100);
});
