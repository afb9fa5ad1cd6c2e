import { z } from 'zod';
import { millis, type Millis } from './time.ts';
import { fail, succeed, type Result } from './result.ts';

/**
 * The only parser of times in text: from callers, files, options, settings and answers. It does not depend
 * on the time zone of the machine. `Date.parse` and `new Date(text)` do, and the linter forbids them.
 * (`http-date.ts` parses the form of HTTP headers.)
 */
export interface WrittenTime {
  readonly instant: Millis;
  /** False if the text is finer than a millisecond. The instant is then rounded down. */
  readonly isExact: boolean;
  /** Whether the text has no time of day. The instant is then the start of that day. */
  readonly isWholeDay: boolean;
}

/**
 * The error says what is wrong and what would be right. It follows the name of the field in a sentence.
 */
export type ParsedTime = Result<WrittenTime, string>;

const EXAMPLE = '2019-12-10T19:00:00Z';

/** Up to seven decimal places of a second, as .NET writes them. */
const TIME =
  /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?(Z|[+-]\d\d:\d\d)?)?$/i;

/** The limit of .NET's `DateTimeOffset`. No time zone was ever further from UTC. */
const MAX_OFFSET_MINUTES = 14 * 60;

/**
 * Reads ISO 8601 with its offset from UTC: `2019-12-10T19:00:00Z`, `2019-12-10T21:00+02:00`. A text without
 * an offset is refused, because nobody can know which time zone was meant.
 */
export const parseTime = (text: string): ParsedTime => read(text, false);

/**
 * Reads ISO 8601 from a source that uses UTC when there is no offset: `2018-12-01T08:30:14`,
 * `2020-12-03T15:00`; a date alone, `2020-12-03`, is midnight.
 */
export const parseTimeInUtc = (text: string): ParsedTime => read(text, true);

/**
 * Reads a text that we have written ourselves.
 * @throws Error if it is not a time
 */
export const timeOf = (text: string): Millis => {
  const parsed = parseTime(text);
  if (parsed.ok) return parsed.value.instant;
  throw new Error(`a time that ${parsed.error}`);
};

/** A time in JSON with its offset from UTC, to the millisecond. */
export const timeSchema = z.string().transform((text, context): Millis => {
  const parsed = parseTime(text);
  if (parsed.ok && parsed.value.isExact) return parsed.value.instant;
  context.addIssue(parsed.ok ? `${shown(text)} is finer than a millisecond` : parsed.error);
  return z.NEVER;
});

const read = (text: string, isUtcUnlessSaid: boolean): ParsedTime => {
  const match = TIME.exec(text);
  const refuse = (problem: string): ParsedTime => fail(`${shown(text)} ${problem}`);
  if (!match) return refuse(`is no time: write it like ${EXAMPLE}`);
  const [, year, month, day, hour, minute = '0', second = '0', fraction = '', offset] = match;
  const isWholeDay = hour === undefined;
  const wall = wallClock([year, month, day, hour ?? '0', minute, second].map(Number) as WallClock);
  if (wall === null) return refuse('does not exist: there is no such day or time of day');
  if (offset === undefined && !isUtcUnlessSaid) {
    const inUtc = isWholeDay ? `${text}T00:00:00Z` : `${text}Z`;
    return refuse(`does not say its offset from UTC: write ${inUtc} if it is in UTC`);
  }
  const minutes = offsetMinutes(offset ?? 'Z');
  if (minutes === null) return refuse('has an offset from UTC that does not exist');
  const ticks = Number(fraction.padEnd(7, '0')); // of 100 ns
  return succeed({
    instant: millis(wall + Math.floor(ticks / 10_000) - minutes * 60_000),
    isExact: ticks % 10_000 === 0,
    isWholeDay,
  });
};

type WallClock = [
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
];

/** The instant at which a clock in UTC shows this; null if it never does. */
const wallClock = ([year, month, day, hour, minute, second]: WallClock): number | null => {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // `Date.UTC` maps the years 0 to 99 to other years
  // A 30th of February would have become a day in March. We do not accept leap seconds (23:59:60).
  const exists =
    year >= 1 &&
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    hour < 24 &&
    minute < 60 &&
    second < 60;
  return exists ? date.setUTCHours(hour, minute, second) : null;
};

const offsetMinutes = (offset: string): number | null => {
  if (/^z$/i.test(offset)) return 0;
  const [hours = 0, minutes = 0] = offset.slice(1).split(':').map(Number);
  const total = hours * 60 + minutes;
  if (minutes > 59 || total > MAX_OFFSET_MINUTES) return null;
  return offset.startsWith('-') ? -total : total;
};

/** Foreign text in a message. */
const shown = (text: string): string =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
