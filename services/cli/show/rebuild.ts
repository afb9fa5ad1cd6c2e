import { formatTable } from '../../shared/terminal/table.ts';
import { isoText, millis } from '../../shared/model/time.ts';
import type { DayDifference } from '../../operations/rebuild/days.ts';
import type { FromLog, RowDifference } from '../../operations/rebuild/from-log.ts';
import type { Restatement } from '../../operations/rebuild/restate.ts';
import type { WindowDifference } from '../../operations/rebuild/window-differences.ts';
import type { Tally } from '../../operations/rebuild/tally.ts';
import type { UnwrittenHour } from '../../operations/rebuild/unwritten-hours.ts';

/** What a rebuild found and what it did. */
export interface Rebuilt {
  /** Null if the ledger was trusted. */
  readonly fromLog: FromLog | null;
  readonly windows: Tally<WindowDifference>;
  /** Daily rows that differ from the hourly ones, of days in which no hourly row differs. */
  readonly days: Tally<DayDifference>;
  /** Hours that an earlier rebuild has begun to restate and not finished. Nobody gets them until then. */
  readonly unwritten: readonly UnwrittenHour[];
  /** Null if nothing was changed. */
  readonly restated: Restatement | null;
}

const at = (time: number): string => isoText(millis(time));

const rowTable = (rows: readonly RowDifference[]): string =>
  formatTable(
    ['PARTITION', 'OFFSET', 'REPORTED HOUR', 'EVENT OR CODE', 'ROW'],
    rows.map((each) => [
      each.partition,
      each.offset,
      at(each.reportedHour),
      each.name,
      each.problem,
    ]),
  );

const windowTable = (rows: readonly WindowDifference[], by: string): string =>
  formatTable(
    ['PARTITION', 'REPORTED HOUR', 'USAGE HOUR', 'METER', 'RESOURCE', 'ROW', by],
    rows.map((each) => [
      each.partition,
      at(each.reportedHour),
      at(each.usageHour),
      each.meterKey,
      each.resourceKey,
      each.rowQuantity ?? 'none',
      each.ledgerQuantity ?? 'none',
    ]),
  );

const dayTable = (rows: readonly DayDifference[]): string =>
  formatTable(
    ['PARTITION', 'REPORTED DAY', 'USAGE DAY', 'METER', 'RESOURCE', 'ROW', 'HOURLY ROWS'],
    rows.map((each) => [
      each.partition,
      at(each.reportedDay).slice(0, 10),
      at(each.usageDay).slice(0, 10),
      each.meterKey,
      each.resourceKey,
      each.rowQuantity ?? 'none',
      each.hourlyQuantity ?? 'none',
    ]),
  );

const section = <T>(
  what: string,
  { count, first }: Tally<T>,
  table: (rows: readonly T[]) => string,
): readonly string[] => {
  if (count === 0) return [];
  const shown = first.length < count ? `, the first ${String(first.length)}` : '';
  return [`${what}: ${number(count)}${shown}`, table(first), ''];
};

const number = (value: number): string => value.toLocaleString('en');

const unwrittenSection = (unwritten: readonly UnwrittenHour[]): readonly string[] => {
  if (unwritten.length === 0) return [];
  const hours = [...new Set(unwritten.map(({ reportedHour }) => reportedHour))];
  const shown = hours.slice(0, 10).map(at).join(', ');
  return [
    `Reported hours whose restatement was begun and not finished: ${shown}${hours.length > 10 ? ', …' : ''}`,
    '',
  ];
};

export const isRight = ({ fromLog, windows, days, unwritten }: Rebuilt): boolean =>
  windows.count + days.count + unwritten.length === 0 &&
  (fromLog === null || fromLog.ledger.count + fromLog.deadLetters.count === 0);

/** Says what was found and done; `hours` names the range. */
export const formatRebuilt = (found: Rebuilt, hours: string): string => {
  const { fromLog, windows, days, unwritten, restated } = found;
  if (isRight(found)) {
    return fromLog
      ? `The ledger, the dead letters and every window agree with the log: ${hours}.`
      : `Every window agrees with the ledger: ${hours}.`;
  }
  const by = fromLog && !restated ? 'LOG' : 'LEDGER';
  const lines = [
    ...(fromLog
      ? [
          ...section('Rows of the ledger that differ from the log', fromLog.ledger, rowTable),
          ...section('Dead letters that differ from the log', fromLog.deadLetters, rowTable),
        ]
      : []),
    ...section(`Windows that differ from the ${by.toLowerCase()}`, windows, (rows) =>
      windowTable(rows, by),
    ),
    ...section('Daily rows that differ from the hourly ones', days, dayTable),
    ...unwrittenSection(unwritten),
  ];
  if (restated === null) {
    const daily = windows.count > 0 ? ', and adds up the daily rows of their days again' : '';
    const finished = unwritten.length > 0 ? ', and records that the hours are finished' : '';
    lines.push(`${hours}. Nothing was changed; --apply writes the right rows${daily}${finished}.`);
  } else {
    const mended = fromLog
      ? `Mended ${number(fromLog.ledger.count)} records in the ledger and ${number(fromLog.deadLetters.count)} among the dead letters. `
      : '';
    lines.push(
      `${mended}Restated ${number(restated.windows)} windows of ${number(restated.hours.length)} hours, generation ${String(restated.generation)}. ` +
        'What was billed stays as it was: "usagectl bridge reconcile" shows the difference.' +
        (unwritten.length > 0 ? ' The interrupted restatement is finished.' : ''),
    );
  }
  if (fromLog && fromLog.otherHours.length > 0) {
    const others = fromLog.otherHours;
    lines.push(
      `Some of these rows are, or should be, in reported hours outside the range, whose windows are left unchanged: ` +
        `rebuild ${others.slice(0, 10).map(at).join(', ')}${others.length > 10 ? ', …' : ''} too.`,
    );
  }
  return lines.join('\n');
};
