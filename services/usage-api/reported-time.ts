import { millis, type Millis } from '../shared/time.ts';

const TIME =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(?:Z|([+ -])(\d{2}):(\d{2})Z?)$/i;

/**
 * Reads a time as clients of the usage API write it: ISO 8601 with its offset from UTC. PowerShell
 * sends seven digits of a second, and Microsoft's documentation has `+00:00Z`; a `+` that was not
 * escaped in a URL arrives as a space. Null where it is none.
 * @returns an instant in whole milliseconds, which is not on a full second where the text is not
 */
export const parseReportedTime = (text: string): Millis | null => {
  const match = TIME.exec(text);
  if (!match) return null;
  const [, year, month, day, hours, minutes, seconds = '0', fraction = '0'] = match;
  const wall = new Date(0);
  wall.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  wall.setUTCHours(Number(hours), Number(minutes), Number(seconds));
  // A 30th of February or a 25th hour would have moved on.
  const isReal =
    wall.getUTCMonth() === Number(month) - 1 &&
    wall.getUTCDate() === Number(day) &&
    wall.getUTCHours() === Number(hours) &&
    wall.getUTCMinutes() === Number(minutes) &&
    wall.getUTCSeconds() === Number(seconds);
  const [sign, offsetHours = '0', offsetMinutes = '0'] = match.slice(8);
  if (!isReal || Number(offsetHours) > 23 || Number(offsetMinutes) > 59) return null;
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60_000;
  return millis(wall.getTime() + fractionMillis(fraction) + (sign === '-' ? offset : -offset));
};

/** Neither a little more than nothing nor a little less than a second may become a full one. */
const fractionMillis = (digits: string): number =>
  Number(digits) === 0 ? 0 : Math.max(1, Number(digits.padEnd(3, '0').slice(0, 3)));
