import { DAY_MILLIS, isoText, millis, type Millis } from '../model/time.ts';
import { parseTime } from '../model/time-text.ts';

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

const DAYS = 'Thu Fri Sat Sun Mon Tue Wed'.split(' '); // 1 January 1970 was a Thursday

const HTTP_DATE = /^([A-Z][a-z]{2}), (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d) GMT$/;

/**
 * The instant of an HTTP header such as `Date`: `Sun, 06 Nov 1994 08:49:37 GMT`. Null for anything else,
 * including the two obsolete forms, which no server has written for decades. Source: RFC 9110, 5.6.7.
 */
export const parseHttpDate = (text: string): Millis | null => {
  const [, weekday, day, name = '', year, time] = HTTP_DATE.exec(text) ?? [];
  const month = MONTHS.indexOf(name) + 1;
  if (day === undefined || month === 0) return null;
  const iso = `${year ?? ''}-${String(month).padStart(2, '0')}-${day}T${time ?? ''}Z`;
  const parsed = parseTime(iso);
  if (!parsed.ok) return null;
  const { instant } = parsed.value;
  const days = Math.floor(instant / DAY_MILLIS);
  return weekday === DAYS[((days % 7) + 7) % 7] ? instant : null;
};

/** The text of an HTTP header such as `Date`, to the second. */
export const httpDateText = (instant: Millis): string => {
  const days = Math.floor(instant / DAY_MILLIS);
  const [date = '', time = ''] = isoText(millis(Math.floor(instant / 1000) * 1000)).split('T');
  const [year = '', month = '', day = ''] = date.split('-');
  const weekday = DAYS[((days % 7) + 7) % 7] ?? '';
  return `${weekday}, ${day} ${MONTHS[Number(month) - 1] ?? ''} ${year} ${time.replace('Z', '')} GMT`;
};
