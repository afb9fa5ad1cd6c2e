import { HOUR_MILLIS, hourOf, isoText, millis, nextMonth } from '../../shared/model/time.ts';
import type { Hour, Millis } from '../../shared/model/time.ts';
import { UserError } from '../../shared/process/errors.ts';
import type { StatementTime } from './statement.ts';

export interface MonthState {
  readonly month: Millis;
  /** The first hour of it that is covered but not closed; null if there is none. */
  readonly processing: Hour | null;
  /** Whether the complete hours so far are enough. */
  readonly toDate: boolean;
}

/**
 * Where a statement of a month ends. A month that is not over is not whole, also where no source is left
 * that could still report in it.
 * @throws UserError if the month is not over or not complete, or has no complete hour yet
 */
export const statementEnd = (
  { month, processing, toDate }: MonthState,
  now: Millis,
): Pick<StatementTime, 'to' | 'isWhole'> => {
  const end = nextMonth(month);
  if (!toDate && end > now) {
    throw new UserError(
      `The month is not over: it ends at ${isoText(end)}. Try again after that, or see the month so far with --to-date`,
    );
  }
  if (!toDate && processing !== null) {
    throw new UserError(
      `The month is not complete: the reported hour from ${isoText(processing)} is still being processed. Try again later, or see the month so far with --to-date`,
    );
  }
  const to = processing ?? millis(Math.min(end, hourOf(now, HOUR_MILLIS)));
  if (to <= month) {
    throw new UserError(
      `The month from ${isoText(month)} has no complete hour yet: try again later`,
    );
  }
  return { to, isWhole: to === end };
};
