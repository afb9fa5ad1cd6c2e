import fc from 'fast-check';
import { dayOf, hourOf, HOUR_MILLIS, isoText, millis, nextHour } from './time.ts';

const lengths = fc.constantFrom(1_000, 2_000, 60_000, HOUR_MILLIS);
const instants = fc.integer({ min: -(2 ** 42), max: 2 ** 42 }).map(millis);

test('an instant lies in its hour, from its first millisecond to its last', () => {
  fc.assert(
    fc.property(instants, lengths, (instant, length) => {
      const hour = hourOf(instant, length);
      expect(hour <= instant && instant < nextHour(hour, length)).toBe(true);
      expect(hourOf(hour, length)).toBe(hour);
      expect(hourOf(millis(nextHour(hour, length) - 1), length)).toBe(hour);
    }),
  );
});

test('a day has 24 hours, of whatever length they are', () => {
  fc.assert(
    fc.property(instants, lengths, (instant, length) => {
      const hour = hourOf(instant, length);
      const day = dayOf(hour, length);
      expect(day <= hour && hour < day + 24 * length).toBe(true);
      expect(dayOf(day, length)).toBe(day);
    }),
  );
  const noon = millis(Date.UTC(2026, 1, 28, 12, 34));
  expect(dayOf(hourOf(noon, HOUR_MILLIS), HOUR_MILLIS)).toBe(Date.UTC(2026, 1, 28));
});

test.each([
  [0, '1970-01-01T00:00:00Z'],
  [Date.UTC(2019, 11, 10, 19), '2019-12-10T19:00:00Z'],
  [Date.UTC(2019, 11, 10, 19) + 5, '2019-12-10T19:00:00.005Z'],
  [-1, '1969-12-31T23:59:59.999Z'],
])('%d is written as %s', (instant, text) => {
  expect(isoText(millis(instant))).toBe(text);
});
