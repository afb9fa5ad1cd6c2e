import { hourOf, HOUR_MILLIS, type Hour, type Millis } from '../shared/time.ts';

/** One of the equal parts into which an hour is cut for reporting. */
export interface Part {
  readonly hour: Hour;
  /** Counted from 0. */
  readonly n: number;
}

/** The last part that has ended at an instant. */
export const lastEnded = (now: Millis, parts: number): Part => {
  const length = HOUR_MILLIS / parts;
  const start = (Math.floor(now / length) - 1) * length;
  const hour = hourOf(start as Millis, HOUR_MILLIS);
  return { hour, n: Math.round((start - hour) / length) };
};

export const partAfter = ({ hour, n }: Part, parts: number): Part =>
  n + 1 < parts ? { hour, n: n + 1 } : { hour: (hour + HOUR_MILLIS) as Hour, n: 0 };

/** The instant at which a part ends, in milliseconds. */
export const endOf = ({ hour, n }: Part, parts: number): number =>
  hour + (n + 1) * (HOUR_MILLIS / parts);
