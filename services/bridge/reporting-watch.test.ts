import { pino } from 'pino';
import { millis } from '../shared/model/time.ts';
import { reportingProblem, ReportingWatch, type Reported } from './reporting-watch.ts';

const DAY = 24 * 3_600_000;
const LAST = millis(Date.UTC(2026, 0, 1));
const after = (days: number) => millis(LAST + days * DAY);
const levelAfter = (days: number, reported: Partial<Reported> = {}) =>
  reportingProblem({ last: LAST, waitingSince: after(-1), ...reported }, after(days))?.level ??
  null;

test('a stamp that could report nothing for 30 days is warned a week before, and alarmed then', () => {
  expect([22, 23, 29, 30, 40].map((days) => levelAfter(days))).toEqual([
    null,
    'warn',
    'warn',
    'error',
    'error',
  ]);
});

test('a stamp that has nothing to report breaks nothing', () => {
  expect(levelAfter(100, { waitingSince: null })).toBeNull();
});

test('time counts from the first usage that waits, if that is later', () => {
  expect(levelAfter(40, { waitingSince: after(20) })).toBeNull();
  expect(levelAfter(40, { last: null, waitingSince: after(5) })).toBe('error');
});

test('what it found is a problem of the bridge until something is reported', async () => {
  let reported: Reported = { last: LAST, waitingSince: after(0) };
  const watch = new ReportingWatch(
    () => Promise.resolve(reported),
    pino({ level: 'silent' }),
    () => after(31),
  );
  await watch.look();
  expect(watch.problems).toEqual([
    expect.stringMatching(/^Activation Expired: .* since 2026-01-01T00:00:00Z/) as string,
  ]);
  reported = { last: after(31), waitingSince: after(31) };
  await watch.look();
  expect(watch.problems).toEqual([]);
});
