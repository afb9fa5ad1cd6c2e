import type { ClickHouseClient } from '@clickhouse/client';
import { formatQuantity, parseQuantity, ZERO, type Quantity } from '../../shared/model/decimal.ts';
import type { Source, SourcePartition } from '../../shared/model/source.ts';
import { textValues } from './texts.ts';
import { windowName, type CountedWindow } from './counted-window.ts';
import { contradiction, type Differences, type Value, type Values } from './differences.ts';
import { orderProblem } from './row-order.ts';
import {
  DAILY,
  HOURLY,
  KEYED,
  ORDERED,
  rowName,
  rowsWithin,
  type Span,
  type WindowTable,
} from './window-rows.ts';

/** A partition whose windows are compared, up to its checkpoint. */
export interface WindowComparison {
  readonly client: ClickHouseClient;
  readonly at: SourcePartition;
  readonly source: Source;
  readonly differences: Differences;
  /**
   * The checkpoint's next offset. Rows that hold more were written later, and are compared only in part.
   */
  readonly nextOffset: number;
  readonly openHour: number;
  /** Where the log ends now. */
  readonly logEnd: () => Promise<number>;
  /** The generations of recorded restatements. */
  readonly generations: ReadonlySet<number>;
}

/** A window with the reported hour or day to which it belongs. */
export interface Reported {
  readonly reported: number;
  readonly window: CountedWindow;
  /** The last reported hour in it. */
  readonly lastHour: number;
}

export interface Compared {
  readonly compared: number;
  /** Rows that hold more than the checkpoint covers. */
  readonly ahead: number;
}

const valuesOf = (reaches: Value, usageEnd: number, { window }: Reported): Values => [
  usageEnd,
  ...textValues(window.first),
  window.eventCount,
  window.firstOffset,
  formatQuantity(window.quantity),
  reaches,
];

export const compareHours = (
  comparison: WindowComparison,
  span: Span,
  recounted: Iterable<Reported>,
): Promise<Compared> => {
  const { hourMillis } = comparison.source;
  return compare(comparison, HOURLY, span, recounted, {
    values: (each) => valuesOf(each.window.lastOffset, each.window.usageHour + hourMillis, each),
    isAhead: (lastOffset) => lastOffset >= comparison.nextOffset,
    isBeyond: (lastOffset, logEnd) => lastOffset >= logEnd,
    versionOf: (lastOffset) => lastOffset,
  });
};

/** Compares daily windows. Their usage hours are days. */
export const compareDays = (
  comparison: WindowComparison,
  span: Span,
  recounted: Iterable<Reported>,
): Promise<Compared> => {
  const dayMillis = comparison.source.hourMillis * 24;
  const runEnd = comparison.source.lastHour;
  return compare(comparison, DAILY, span, recounted, {
    values: (each) => valuesOf(each.lastHour, each.window.usageHour + dayMillis, each),
    isAhead: (lastHour) => lastHour >= comparison.openHour,
    // A record closed the hour, so its offset is after the hour and before the log's end.
    isBeyond: (lastHour, logEnd) =>
      logEnd <= comparison.nextOffset || lastHour > (runEnd ?? Date.now()),
    versionOf: (lastHour) => Math.floor(lastHour / 1000),
  });
};

/** The rules that differ between hours and days. */
interface How {
  readonly values: (each: Reported) => Values;
  /** Whether a row holds more than the checkpoint covers. */
  readonly isAhead: (reaches: number) => boolean;
  /** Whether it holds more than a log that ends at `logEnd`. */
  readonly isBeyond: (reaches: number, logEnd: number) => boolean;
  /** The version of a row of generation 0. */
  readonly versionOf: (reaches: number) => number;
}

const compare = async (
  comparison: WindowComparison,
  table: WindowTable,
  span: Span,
  recounted: Iterable<Reported>,
  how: How,
): Promise<Compared> => {
  const { at, differences } = comparison;
  const expected = byRow(recounted);
  let compared = 0;
  let ahead = 0;
  let logEnd: number | null = null;
  for await (const row of rowsWithin(comparison, table, span)) {
    const key = row.slice(0, KEYED).join('\0');
    const each = expected.get(key);
    expected.delete(key);
    const reaches = Number(row[table.reaches]);
    let problem: string | null;
    if (how.isAhead(reaches)) {
      // Read after the row: what the row holds was in the log by then.
      logEnd ??= await comparison.logEnd();
      const isBeyond = how.isBeyond(reaches, logEnd);
      if (!isBeyond) ahead++;
      problem = isBeyond
        ? `${table.compared.at(-1) ?? ''} is beyond the log, which ends at offset ${String(logEnd)}`
        : each
          ? lessThan(table.compared, how.values(each), contentOf(row))
          : null;
    } else {
      compared++;
      problem = each
        ? contradiction(table.compared, how.values(each), contentOf(row))
        : 'is stored, and the log has no such window';
    }
    const order = orderProblem(row.slice(-ORDERED), how.versionOf(reaches), comparison.generations);
    if (problem === null && order === null) continue;
    const name = rowName(row.slice(0, KEYED));
    const offset = Number(row[KEYED + table.compared.indexOf('first_offset')]);
    differences.add(
      at,
      table.kind,
      name,
      [problem, order].filter((text) => text !== null).join('; '),
      each?.window.firstOffset ?? offset,
    );
  }
  addMissing(comparison, table, expected);
  return { compared, ahead };
};

/** Windows by the values that identify their rows. */
const byRow = (recounted: Iterable<Reported>): Map<string, Reported> => {
  const found = new Map<string, Reported>();
  for (const each of recounted) {
    const { usageHour, subscriptionKey, meterKey, resourceKey } = each.window;
    const name = windowName(usageHour, subscriptionKey, meterKey, resourceKey);
    found.set(`${String(each.reported)}\0${name}`, each);
  }
  return found;
};

const contentOf = (row: Values): Values => row.slice(KEYED, -ORDERED);

/** Reports recounted windows that have no row. */
const addMissing = (
  { at, differences }: WindowComparison,
  { kind }: WindowTable,
  missing: ReadonlyMap<string, Reported>,
): void => {
  for (const [key, { window }] of missing) {
    const [reported, usage, ...keys] = key.split('\0');
    const name = rowName([Number(reported), Number(usage), ...keys]);
    const problem = `is not stored, recounted ${String(window.eventCount)} events with ${formatQuantity(window.quantity)}`;
    differences.add(at, kind, name, problem, window.firstOffset);
  }
};

const GROWING = ['event_count', 'quantity'];

/** Says how a row that goes further than the checkpoint lacks something that the checkpoint covers. */
export const lessThan = (
  columns: readonly string[],
  recounted: Values,
  stored: Values,
): string | null => {
  const fixed = columns.slice(0, -1).filter((column) => !GROWING.includes(column));
  const of = (values: Values, names: readonly string[]): Values =>
    names.map((column) => values[columns.indexOf(column)] ?? null);
  const problem = contradiction(fixed, of(recounted, fixed), of(stored, fixed));
  if (problem !== null) return problem;
  const [count, quantity] = of(stored, GROWING);
  const [leastCount, leastQuantity] = of(recounted, GROWING);
  const more = Number(count) - Number(leastCount);
  // What came after may be an adjustment, which can be below zero. Without anything more the sum is the same.
  const isSame = exactly(quantity) === exactly(leastQuantity);
  return more < 0 || (more === 0 && !isSame)
    ? `holds ${String(count)} events with ${String(quantity)}, recounted at least ${String(leastCount)} with ${String(leastQuantity)}`
    : null;
};

const exactly = (quantity: Value | undefined): Quantity => parseQuantity(String(quantity)) ?? ZERO;
