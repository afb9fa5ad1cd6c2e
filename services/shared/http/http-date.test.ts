import { millis } from '../model/time.ts';
import { httpDateText, parseHttpDate } from './http-date.ts';

test('a date of an HTTP header is in UTC', () => {
  expect(parseHttpDate('Sun, 06 Nov 1994 08:49:37 GMT')).toBe(Date.UTC(1994, 10, 6, 8, 49, 37));
});

test('the day of the week is the right one, before 1970 too', () => {
  expect(parseHttpDate('Thu, 01 Jan 1970 00:00:00 GMT')).toBe(0);
  expect(parseHttpDate('Wed, 31 Dec 1969 23:59:59 GMT')).toBe(-1000);
});

test.each([
  '',
  '0',
  '1994-11-06T08:49:37Z',
  'Sun, 06 Nov 1994 08:49:37',
  'Sun, 06 Nov 1994 08:49:37 EST',
  'Sunday, 06-Nov-94 08:49:37 GMT',
  'Sun Nov  6 08:49:37 1994',
  'Wed, 30 Feb 1994 08:49:37 GMT',
  'Mon, 06 Nov 1994 08:49:37 GMT',
  'Sun, 06 Foo 1994 08:49:37 GMT',
])('"%s" is none', (text) => {
  expect(parseHttpDate(text)).toBeNull();
});

test.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Wed, 31 Dec 1969 23:59:59 GMT'])(
  '%s is written as it is read, to the second',
  (text) => {
    expect(httpDateText(millis((parseHttpDate(text) ?? 0) + 999))).toBe(text);
  },
);
