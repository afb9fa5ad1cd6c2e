import fc from 'fast-check';
import { isoText, millis } from './time.ts';
import { parseTime, parseTimeInUtc, timeOf, timeSchema } from './time-text.ts';
import { fail, succeed } from './result.ts';

const AT = Date.UTC(2019, 11, 10, 19);

test.each([
  '2019-12-10T19:00:00Z',
  '2019-12-10T19:00:00.000Z',
  '2019-12-10T19:00Z',
  '2019-12-10t19:00:00z',
  '2019-12-10T19:00:00+00:00',
  '2019-12-10T19:00:00.0000000+00:00',
  '2019-12-10T19:00:00.0000000Z',
  '2019-12-10T19:00:00-00:00',
  '2019-12-10T21:30:00+02:30',
  '2019-12-10T14:00:00-05:00',
  '2019-12-11T09:00:00+14:00',
])('%s is 19:00 in UTC', (text) => {
  expect(parseTime(text)).toEqual(succeed({ instant: AT, isExact: true, isWholeDay: false }));
  expect(parseTimeInUtc(text)).toEqual(parseTime(text));
});

test.each([
  ['2019-12-10T19:00:00.1234567Z', 123, false],
  ['2019-12-10T19:00:00.0000001Z', 0, false],
  ['2019-12-10T19:00:00.9999999Z', 999, false],
  ['2019-12-10T19:00:00.25Z', 250, true],
  ['2019-12-10T19:00:00.1230000Z', 123, true],
])('%s is %i ms later, to the millisecond: exactly so, %s', (text, later, isExact) => {
  expect(parseTime(text)).toMatchObject(succeed({ instant: AT + later, isExact }));
});

test.each([
  ['2019-12-10T19:00:00', '2019-12-10T19:00:00Z'],
  ['2019-12-10T19:00', '2019-12-10T19:00Z'],
  ['2019-12-10', '2019-12-10T00:00:00Z'],
])('%s names no offset: it is refused, or in UTC where its source says so', (text, right) => {
  expect(parseTime(text)).toEqual(
    fail(`"${text}" does not say its offset from UTC: write ${right} if it is in UTC`),
  );
  expect(parseTimeInUtc(text)).toMatchObject(
    succeed({ instant: timeOf(right), isWholeDay: text.length === 10 }),
  );
});

const NO_TIME = 'is no time: write it like 2019-12-10T19:00:00Z';
const NO_DAY = 'does not exist: there is no such day or time of day';
const NO_OFFSET = 'has an offset from UTC that does not exist';

test.each([
  ['', NO_TIME],
  ['yesterday', NO_TIME],
  ['1576004400', NO_TIME],
  ['4/6/2020 10:00:00 AM', NO_TIME],
  ['6 May 2020 09:00', NO_TIME],
  ['01/02/2021', NO_TIME],
  ['2019-12', NO_TIME],
  ['2019-1-1T00:00:00Z', NO_TIME],
  ['20191210T190000Z', NO_TIME],
  ['2019-W50-2', NO_TIME],
  ['2019-12-10 19:00:00Z', NO_TIME],
  ['2019-12-10Z', NO_TIME],
  ['2019-12-10T19Z', NO_TIME],
  ['2019-12-10T19:00:00,5Z', NO_TIME],
  ['2019-12-10T19:00:00.Z', NO_TIME],
  ['2019-12-10T19:00:00.12345678Z', NO_TIME],
  ['2019-12-10T19:00:00ZZ', NO_TIME],
  ['2019-12-10T19:00:00+0000', NO_TIME],
  ['2019-12-10T19:00:00+00', NO_TIME],
  ['2019-12-10T19:00:00 GMT', NO_TIME],
  ['2019-12-10T19:00:00Z ', NO_TIME],
  ['12019-12-10T19:00:00Z', NO_TIME],
  ['+002019-12-10T19:00:00Z', NO_TIME],
  ['２019-12-10T19:00:00Z', NO_TIME],
  ['2019-02-29T00:00:00Z', NO_DAY],
  ['1900-02-29T00:00:00Z', NO_DAY],
  ['2019-02-31T00:00:00Z', NO_DAY],
  ['2019-04-31T00:00:00Z', NO_DAY],
  ['2019-13-01T00:00:00Z', NO_DAY],
  ['2019-00-01T00:00:00Z', NO_DAY],
  ['2019-01-00T00:00:00Z', NO_DAY],
  ['0000-01-01T00:00:00Z', NO_DAY],
  ['2019-12-10T24:00:00Z', NO_DAY],
  ['2019-12-10T19:60:00Z', NO_DAY],
  ['2016-12-31T23:59:60Z', NO_DAY],
  ['2019-12-10T19:00:00+14:01', NO_OFFSET],
  ['2019-12-10T19:00:00+15:00', NO_OFFSET],
  ['2019-12-10T19:00:00-24:00', NO_OFFSET],
  ['2019-12-10T19:00:00+01:60', NO_OFFSET],
])('"%s" %s', (text, problem) => {
  for (const parse of [parseTime, parseTimeInUtc]) {
    expect(parse(text)).toEqual(fail(`${JSON.stringify(text)} ${problem}`));
  }
});

test('a text without end is not repeated without end', () => {
  const parsed = parseTime('\u001b[2J'.repeat(1_000));
  expect(parsed.ok ? '' : parsed.error).toMatch(/^"(\\u001b\[2J){15}…" is no time/);
});

test('a leap day and the first and the last year are times', () => {
  expect(timeOf('2000-02-29T00:00:00Z')).toBe(Date.UTC(2000, 1, 29));
  expect(isoText(timeOf('0001-01-01T00:00:00Z'))).toBe('0001-01-01T00:00:00Z');
  expect(isoText(timeOf('0099-12-31T23:59:59Z'))).toBe('0099-12-31T23:59:59Z');
  expect(isoText(timeOf('9999-12-31T23:59:59.999Z'))).toBe('9999-12-31T23:59:59.999Z');
});

const FIRST = timeOf('0001-01-02T00:00:00Z');
const LAST = timeOf('9999-12-30T00:00:00Z');
const instants = fc.integer({ min: FIRST, max: LAST }).map(millis);

test('every instant is read as it is written, from any offset', () => {
  const offsets = fc.integer({ min: -14 * 60, max: 14 * 60 });
  fc.assert(
    fc.property(instants, offsets, (instant, minutes) => {
      expect(timeOf(isoText(instant))).toBe(instant);
      const two = (n: number): string => String(n).padStart(2, '0');
      const size = Math.abs(minutes);
      const offset = `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
      const there = isoText(millis(instant + minutes * 60_000)).replace('Z', offset);
      expect(timeOf(there)).toBe(instant);
    }),
  );
});

test('what is read is read as the standard library reads it, whose forms are far more', () => {
  const two = fc.integer({ min: 0, max: 62 }).map((n) => String(n).padStart(2, '0'));
  const text = fc
    .tuple(
      fc.integer({ min: 1970, max: 2106 }),
      fc.tuple(two, two, two, two, two),
      fc.constantFrom('', '.5', '.123'),
      fc.constantFrom('Z', '+05:30', '-09:00'),
    )
    .map(
      ([year, [month, day, hour, minute, second], fraction, zone]) =>
        `${String(year)}-${month}-${day}T${hour}:${minute}:${second}${fraction}${zone}`,
    );
  fc.assert(
    fc.property(text, (given) => {
      const parsed = parseTime(given);
      // eslint-disable-next-line no-restricted-properties -- what the parser is held against
      fc.pre(parsed.ok || Number.isNaN(Date.parse(given)));
      // eslint-disable-next-line no-restricted-properties
      if (parsed.ok) expect(parsed.value.instant).toBe(Date.parse(given));
    }),
    { numRuns: 2_000 },
  );
});

test('a time in JSON is exact and says its offset', () => {
  expect(timeSchema.parse('2019-12-10T19:00:00.0000000+00:00')).toBe(AT);
  const problems = ['2019-12-10T19:00:00', '2019-12-10T19:00:00.0000001Z', 5].map(
    (value) => timeSchema.safeParse(value).error?.issues[0]?.message,
  );
  expect(problems).toEqual([
    expect.stringContaining('does not say its offset from UTC'),
    '"2019-12-10T19:00:00.0000001Z" is finer than a millisecond',
    expect.stringContaining('expected string'),
  ]);
});
