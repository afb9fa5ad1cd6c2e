import { timeOf } from '../../shared/model/time-text.ts';
import { UserError } from '../../shared/process/errors.ts';
import { statementEnd } from './statement-end.ts';

const MONTH = timeOf('2026-02-01T00:00:00Z');
const END = timeOf('2026-03-01T00:00:00Z');
const MIDDLE = timeOf('2026-02-10T05:00:00Z');
const WITHIN = timeOf('2026-02-10T05:30:00Z');
const BEFORE = timeOf('2026-01-31T23:59:59Z');

const end = (now: typeof END, processing: typeof MIDDLE | null, toDate: boolean) => () =>
  statementEnd({ month: MONTH, processing, toDate }, now);

test('a month that is over and complete has a whole statement', () => {
  expect(end(END, null, false)()).toEqual({ to: END, isWhole: true });
  expect(end(END, null, true)()).toEqual({ to: END, isWhole: true });
});

test('a month that is not over is refused, also where no source could report in it any more', () => {
  expect(end(WITHIN, null, false)).toThrow(UserError);
  expect(end(WITHIN, null, false)).toThrow(/not over: it ends at 2026-03-01T00:00:00Z.*--to-date/);
  expect(end(BEFORE, null, false)).toThrow(/not over/);
  expect(end(WITHIN, null, true)()).toEqual({ to: MIDDLE, isWhole: false });
});

test('a month that has not begun, or has no complete hour, is refused to date too', () => {
  expect(end(BEFORE, null, true)).toThrow(/no complete hour yet/);
  expect(end(WITHIN, MONTH, true)).toThrow(/no complete hour yet/);
});

test('a month with an hour that is processed is refused, and ends there to date', () => {
  expect(end(END, MIDDLE, false)).toThrow(/2026-02-10T05:00:00Z is still being processed/);
  expect(end(END, MIDDLE, true)()).toEqual({ to: MIDDLE, isWhole: false });
});
