import { UserError } from '../../shared/process/errors.ts';
import { hourOf, nextHour, type Hour, type Millis } from '../../shared/model/time.ts';

/** The number of equal parts into which the hours of a source are divided for reporting. */
export interface Parts {
  readonly hourMillis: number;
  /** It must divide the hour into full milliseconds. */
  readonly parts: number;
}

/** One of them. */
export interface Part {
  readonly hour: Hour;
  /** Counted from 0. */
  readonly n: number;
}

/** The default interval between reports: nobody waits longer than this. */
const REPORT_MILLIS = 9_000;

/**
 * The wanted number of parts; by default 400 for a real hour and fewer for a shorter one.
 * @throws UserError if the number does not fit
 */
export const partsOf = (hourMillis: number, wanted: number | null): Parts => {
  if (wanted === null) {
    let parts = Math.ceil(hourMillis / REPORT_MILLIS);
    while (hourMillis % parts !== 0) parts++;
    return { hourMillis, parts };
  }
  if (hourMillis % wanted === 0) return { hourMillis, parts: wanted };
  throw new UserError(
    `EMITTER_REPORTS_PER_HOUR is ${String(wanted)} and must divide an hour into whole milliseconds, of which this ` +
      `source has ${String(hourMillis)}: give another number, or none`,
  );
};

/** The last part that has ended at an instant. */
export const lastEnded = (now: Millis, { hourMillis, parts }: Parts): Part => {
  const length = hourMillis / parts;
  const start = (Math.floor(now / length) - 1) * length;
  const hour = hourOf(start as Millis, hourMillis);
  return { hour, n: (start - hour) / length };
};

export const partAfter = ({ hour, n }: Part, { hourMillis, parts }: Parts): Part =>
  n + 1 < parts ? { hour, n: n + 1 } : { hour: nextHour(hour, hourMillis), n: 0 };

/** The instant at which a part ends, in milliseconds. */
export const endOf = ({ hour, n }: Part, { hourMillis, parts }: Parts): number =>
  hour + (n + 1) * (hourMillis / parts);
