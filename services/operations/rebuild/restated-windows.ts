import { dayOf, type Hour } from '../../shared/model/time.ts';
import type { DayDifference } from './days.ts';
import type { WindowDifference } from './window-differences.ts';

/**
 * A closed hour of a partition, and the number of its restated windows: 0 if only its ledger was mended.
 */
export interface RestatedHour {
  readonly partition: number;
  readonly reportedHour: number;
  readonly windows: number;
}

/** Where a window stands in reported time. */
type InHour = Pick<WindowDifference, 'partition' | 'reportedHour'>;

/**
 * The differences of days in which no hourly row of the partition differs. The other days are told by their
 * hours, and their daily rows follow those.
 */
export const daysAlone = (
  differences: readonly InHour[],
  days: readonly DayDifference[],
  hourMillis: number,
): readonly DayDifference[] => {
  const nameOf = (partition: number, day: number): string => `${String(partition)} ${String(day)}`;
  const told = new Set(
    differences.map(({ partition, reportedHour }) =>
      nameOf(partition, dayOf(reportedHour as Hour, hourMillis)),
    ),
  );
  return days.filter(({ partition, reportedDay }) => !told.has(nameOf(partition, reportedDay)));
};

/**
 * The hours for which a restatement is recorded, each with the number of its windows. If only the daily rows
 * of a day are wrong, it is the first hour of that day that the source has and the range: readers skip an hour outside the source, and a
 * repeated rebuild of the same range must find what it began.
 */
export const restatedWindows = (
  differences: readonly InHour[],
  days: readonly DayDifference[],
  { firstHour, from }: { readonly firstHour: number; readonly from: number },
): readonly RestatedHour[] => {
  const windows = new Map<string, RestatedHour>();
  const ofDays = days.map(({ partition, reportedDay }) => ({
    partition,
    reportedHour: Math.max(reportedDay, firstHour, from),
  }));
  for (const { partition, reportedHour } of [...differences, ...ofDays]) {
    const key = `${String(partition)} ${String(reportedHour)}`;
    const count = (windows.get(key)?.windows ?? 0) + 1;
    windows.set(key, { partition, reportedHour, windows: count });
  }
  return [...windows.values()];
};
