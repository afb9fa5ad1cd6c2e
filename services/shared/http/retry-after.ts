import { parseHttpDate } from './http-date.ts';

/** No answer makes us wait longer than this at once. */
const MAX_MILLIS = 3_600_000;

/**
 * The milliseconds of a `Retry-After` header, in seconds or as a date, at most an hour. Null if there is
 * none, or it says neither. Source: RFC 9110, 10.2.3.
 */
export const retryAfterMillis = (text: string | null | undefined, now: number): number | null => {
  if (text === null || text === undefined) return null;
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, MAX_MILLIS);
  const instant = parseHttpDate(text);
  if (instant === null) return null;
  return Math.min(Math.max(Math.ceil(instant - now), 0), MAX_MILLIS);
};
