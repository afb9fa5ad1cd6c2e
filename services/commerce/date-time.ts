import { millis, type Millis } from '../shared/time.ts';

/** A point in time as a caller wrote it. */
export interface DateTime {
  readonly instant: Millis;
  /** Written without a time of day: `2020-12-03`. Its instant is the day's first. */
  readonly wholeDay: boolean;
}

const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?$/i;

/**
 * Reads ISO 8601 as the metering API takes it: `2020-12-03`, `2020-12-03T15:00`,
 * `2018-12-01T08:30:14`, up to nine fractional digits, with `Z`, an offset, or neither for UTC.
 * Null for anything else, also for days and times that do not exist.
 */
export const parseDateTime = (text: string): DateTime | null => {
  const match = DATE_TIME.exec(text);
  if (!match) return null;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone] =
    match;
  const written = `${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour}:${minute}:${second}`;
  const base = Date.parse(`${written}Z`);
  // Date.parse rolls 30 February over into March; a real date comes back as it was written.
  if (Number.isNaN(base) || new Date(base).toISOString() !== `${written}.000Z`) return null;
  const offset = offsetMillis(zone);
  if (offset === null) return null;
  const instant = base + Number(fraction.padEnd(3, '0').slice(0, 3)) - offset;
  return { instant: millis(instant), wholeDay: match[4] === undefined };
};

const offsetMillis = (zone: string | undefined): number | null => {
  if (zone === undefined || zone.toUpperCase() === 'Z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4));
  if (hours > 14 || minutes > 59) return null;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
};
