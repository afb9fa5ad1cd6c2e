import { lessThan } from './compare-windows.ts';

const COLUMNS = ['event_count', 'quantity', 'first_offset', 'last_offset'];
const RECOUNTED = ['1', '48', '7', '7'];

test.each([
  ['the same events with the same sum', ['1', '48.0', '7', '9'], null],
  ['an adjustment below zero that came after', ['2', '35.5', '7', '9'], null],
  ['more events with more', ['2', '50', '7', '9'], null],
  ['fewer events', ['0', '48', '7', '9'], /holds 0 events with 48, recounted at least 1 with 48/],
  ['the same events with less', ['1', '47', '7', '9'], /holds 1 events with 47/],
  ['the same events with more', ['1', '49', '7', '9'], /holds 1 events with 49/],
  ['another first event', ['2', '50', '6', '9'], /first_offset/],
])('a row that goes further than was recounted may hold %s, or is wrong', (_, stored, problem) => {
  const found = lessThan(COLUMNS, RECOUNTED, stored);
  if (problem === null) expect(found).toBeNull();
  else expect(found).toMatch(problem);
});
