import type { Millis } from './time.ts';
import { parseTime } from './time-text.ts';

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

const HTTP_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d) GMT$/;

/**
 * The instant of an HTTP header such as `Date`: `Sun, 06 Nov 1994 08:49:37 GMT`. Null for anything
 * else, also for the two obsolete forms, which no server has written for decades.
 * Source: RFC 9110, 5.6.7.
 */
export const parseHttpDate = (text: string): Millis | null => {
  const [, day, name = '', year, time] = HTTP_DATE.exec(text) ?? [];
  const month = MONTHS.indexOf(name) + 1;
  if (day === undefined || month === 0) return null;
  const iso = `${year ?? ''}-${String(month).padStart(2, '0')}-${day}T${time ?? ''}Z`;
  const parsed = parseTime(iso);
  return parsed.ok ? parsed.instant : null;
};
