import { parseDateTime } from './date-time.ts';

const instantOf = (text: string): string | null => {
  const value = parseDateTime(text);
  return value && new Date(value.instant).toISOString();
};

test.each([
  ['2018-12-01T08:30:14', '2018-12-01T08:30:14.000Z'],
  ['2018-12-01T08:30:14Z', '2018-12-01T08:30:14.000Z'],
  ['2019-12-10T19:00:00.1234567+00:00', '2019-12-10T19:00:00.123Z'],
  ['2019-12-10T19:00:00.5Z', '2019-12-10T19:00:00.500Z'],
  ['2019-12-10T19:00:00+02:30', '2019-12-10T16:30:00.000Z'],
  ['2019-12-10T19:00:00-01:00', '2019-12-10T20:00:00.000Z'],
  ['2020-12-03T15:00', '2020-12-03T15:00:00.000Z'],
  ['2020-02-29T00:00:00Z', '2020-02-29T00:00:00.000Z'],
])('%s is %s', (text, expected) => {
  expect(instantOf(text)).toBe(expected);
  expect(parseDateTime(text)?.wholeDay).toBe(false);
});

test('a mere date is a whole day, told by its first instant', () => {
  expect(instantOf('2020-12-03')).toBe('2020-12-03T00:00:00.000Z');
  expect(parseDateTime('2020-12-03')?.wholeDay).toBe(true);
});

test.each([
  '2021-02-29T00:00:00Z',
  '2021-02-30',
  '2021-13-01',
  '2021-01-01T24:00:00Z',
  '2021-01-01T00:60:00Z',
  '2021-01-01T00:00:60Z',
  '2021-01-01T00:00:00+15:00',
  '2021-01-01T00:00:00+01:60',
  '2021-01-01 00:00:00',
  '01/02/2021',
  '1612137600',
  '',
])('"%s" is no date', (text) => {
  expect(parseDateTime(text)).toBeNull();
});
