import { UserError } from '../../../shared/process/errors.ts';
import { millis, type Millis } from '../../../shared/model/time.ts';

/** How a provider divides time: an hour of its source is a whole number of slices. */
export interface ReportingClock {
  readonly hourMillis: number;
  readonly sliceMillis: number;
}

/** The default interval between reports: nobody waits longer than this. */
const REPORT_MILLIS = 9_000;

/**
 * The clock for the wanted number of reports in an hour; by default 400 for a real hour and fewer for a
 * shorter one.
 * @throws UserError if the number does not fit
 */
export const reportingClock = (hourMillis: number, wanted: number | null): ReportingClock => {
  if (wanted === null) {
    let slices = Math.ceil(hourMillis / REPORT_MILLIS);
    while (hourMillis % slices !== 0) slices++;
    return { hourMillis, sliceMillis: hourMillis / slices };
  }
  if (hourMillis % wanted === 0) return { hourMillis, sliceMillis: hourMillis / wanted };
  throw new UserError(
    `CLOUD_REPORTS_PER_HOUR is ${String(wanted)} and must divide an hour into whole milliseconds, of which this ` +
      `source has ${String(hourMillis)}: give another number, or none`,
  );
};

/** The start of the slice that holds an instant. */
export const sliceStart = (instant: Millis, { sliceMillis }: ReportingClock): Millis =>
  millis(Math.floor(instant / sliceMillis) * sliceMillis);
