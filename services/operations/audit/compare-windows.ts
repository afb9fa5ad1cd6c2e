import type { ClickHouseClient } from '@clickhouse/client';
import { formatQuantity, parseQuantity, ZERO, type Quantity } from '../../shared/model/decimal.ts';
import type { Source, SourcePartition } from '../../shared/model/source.ts';
import { isoText, millis } from '../../shared/model/time.ts';
import { ATTRIBUTES, attributeValues } from './attributes.ts';
import { contradiction, type Differences, type Value, type Values } from './differences.ts';
import { windowName, type CountedWindow } from './recount.ts';
import { orderProblem } from './row-order.ts';
import {
  instant,
  OF_PARTITION,
  partitionParams,
  selected,
  shortest,
  storedRows,
  type Columns,
} from './stored-rows.ts';

/** A partition whose windows are compared, up to its checkpoint. */
export interface WindowComparison {
  readonly client: ClickHouseClient;
  readonly at: SourcePartition;
  readonly source: Source;
  readonly differences: Differences;
  /** Of the checkpoint: rows that hold more have been written since, and are judged in part. */
  readonly nextOffset: number;
  readonly closedThrough: number;
  /** Where the log ends now. */
  readonly logEnd: () => Promise<number>;
  /** Those of restatements that are recorded. */
  readonly generations: ReadonlySet<number>;
}

/** A window of an hour or of a day, with the reported one that it belongs to. */
export interface Reported {
  readonly reported: number;
  readonly window: CountedWindow;
  /** The last reported hour that is in it. */
  readonly throughHour: number;
}

/** Reported hours, or days, from the first on and before the end: all of them are compared at once. */
export interface Span {
  readonly from: number;
  readonly end: number;
}

export interface Compared {
  readonly compared: number;
  /** Rows that hold more than what the checkpoint covers. */
  readonly ahead: number;
}

/** What names a window besides its hours. */
export const KEYS: Columns = {
  subscription_key: 't.subscription_key',
  meter_key: 't.meter_key',
  resource_key: 't.resource_key',
};

const CONTENT: Columns = {
  ...ATTRIBUTES,
  event_count: 't.event_count',
  first_offset: 't.first_offset',
  quantity: 'toString(t.quantity)',
};

/** What tells which of several rows of a window holds; the version is text, since it is too large. */
const ORDER: Columns = { generation: 't.generation', version: 'toString(t.version)' };

/** How hours and days differ. */
interface Table {
  readonly kind: 'hourly' | 'daily';
  readonly name: string;
  readonly reported: string;
  readonly columns: Columns;
  /** What is compared: all but what names the window. */
  readonly compared: readonly string[];
  /** The column that tells how far a row goes. */
  readonly reaches: number;
}

const tableOf = (kind: Table['kind'], name: string, unit: string, reaches: Columns): Table => {
  const columns = {
    reported: instant(`reported_${unit}`),
    usage: instant(`usage_${unit}`),
    ...KEYS,
    [`usage_${unit}_end`]: instant(`usage_${unit}_end`),
    ...CONTENT,
    ...reaches,
    ...ORDER,
  };
  const names = Object.keys(columns);
  return {
    kind,
    name,
    reported: `reported_${unit}`,
    columns,
    compared: names.slice(KEYED, -ORDERED),
    reaches: names.length - ORDERED - 1,
  };
};

/** So many columns name a window, and so many at the end tell which row of it holds. */
const KEYED = 5;
const ORDERED = 2;

const HOURLY = tableOf('hourly', 'usage_hourly', 'hour', { last_offset: 't.last_offset' });
const DAILY = tableOf('daily', 'usage_daily', 'day', { through_hour: instant('through_hour') });
const QUANTITY = HOURLY.compared.indexOf('quantity') + KEYED;

const valuesOf = (reaches: Value, usageEnd: number, { window }: Reported): Values => [
  usageEnd,
  ...attributeValues(window.first),
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

/** The usage hours of its windows are days. */
export const compareDays = (
  comparison: WindowComparison,
  span: Span,
  recounted: Iterable<Reported>,
): Promise<Compared> => {
  const dayMillis = comparison.source.hourMillis * 24;
  const { lastHour } = comparison.source;
  return compare(comparison, DAILY, span, recounted, {
    values: (each) => valuesOf(each.throughHour, each.window.usageHour + dayMillis, each),
    isAhead: (throughHour) => throughHour >= comparison.closedThrough,
    // A record closed the hour: it came after it, and before now.
    isBeyond: (throughHour, logEnd) =>
      logEnd <= comparison.nextOffset || throughHour > (lastHour ?? Date.now()),
    versionOf: (throughHour) => Math.floor(throughHour / 1000),
  });
};

/** What differs between hours and days. */
interface How {
  readonly values: (each: Reported) => Values;
  /** Whether a row holds more than what the checkpoint covers. */
  readonly isAhead: (reaches: number) => boolean;
  /** Whether it holds more than the log, where that ends at an offset. */
  readonly isBeyond: (reaches: number, logEnd: number) => boolean;
  /** The version of a row of generation 0. */
  readonly versionOf: (reaches: number) => number;
}

const compare = async (
  comparison: WindowComparison,
  table: Table,
  { from, end }: Span,
  recounted: Iterable<Reported>,
  how: How,
): Promise<Compared> => {
  const { client, at, differences } = comparison;
  const expected = new Map<string, Reported>();
  for (const each of recounted) {
    const { usageHour, subscriptionKey, meterKey, resourceKey } = each.window;
    const name = windowName(usageHour, subscriptionKey, meterKey, resourceKey);
    expected.set(`${String(each.reported)}\0${name}`, each);
  }
  const stored = storedRows(
    client,
    `SELECT ${selected(table.columns)} FROM ${table.name} AS t FINAL
     WHERE ${OF_PARTITION} AND t.${table.reported} >= toDateTime({from:UInt32}, 'UTC')
       AND t.${table.reported} < toDateTime({end:UInt32}, 'UTC')`,
    { ...partitionParams(at), from: secondsOf(from), end: secondsOf(end) },
  );
  let compared = 0;
  let ahead = 0;
  let logEnd: number | null = null;
  for await (const row of stored) {
    row[QUANTITY] = shortest(row[QUANTITY]);
    const key = row.slice(0, KEYED).join('\0');
    const each = expected.get(key);
    expected.delete(key);
    const reaches = Number(row[table.reaches]);
    const values = row.slice(KEYED, -ORDERED);
    let problem: string | null;
    if (how.isAhead(reaches)) {
      // Asked after the row was read: what it holds was in the log by then.
      logEnd ??= await comparison.logEnd();
      const isBeyond = how.isBeyond(reaches, logEnd);
      if (!isBeyond) ahead++;
      problem = isBeyond
        ? `${table.compared.at(-1) ?? ''} is beyond the log, which ends at offset ${String(logEnd)}`
        : each
          ? lessThan(table.compared, how.values(each), values)
          : null;
    } else {
      compared++;
      problem = each
        ? contradiction(table.compared, how.values(each), values)
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
  for (const [key, { window }] of expected) {
    const [reported, usage, ...keys] = key.split('\0');
    const name = rowName([Number(reported), Number(usage), ...keys]);
    const problem = `is not stored, recounted ${String(window.eventCount)} events with ${formatQuantity(window.quantity)}`;
    differences.add(at, table.kind, name, problem, window.firstOffset);
  }
  return { compared, ahead };
};

const GROWING = ['event_count', 'quantity'];

/** How a row that goes further than the checkpoint does not hold what the checkpoint covers. */
const lessThan = (columns: readonly string[], recounted: Values, stored: Values): string | null => {
  const fixed = columns.slice(0, -1).filter((column) => !GROWING.includes(column));
  const of = (values: Values, names: readonly string[]): Values =>
    names.map((column) => values[columns.indexOf(column)] ?? null);
  const problem = contradiction(fixed, of(recounted, fixed), of(stored, fixed));
  if (problem !== null) return problem;
  const [count, quantity] = of(stored, GROWING);
  const [leastCount, leastQuantity] = of(recounted, GROWING);
  return Number(count) < Number(leastCount) || exactly(quantity) < exactly(leastQuantity)
    ? `holds ${String(count)} events with ${String(quantity)}, recounted at least ${String(leastCount)} with ${String(leastQuantity)}`
    : null;
};

const exactly = (quantity: Value | undefined): Quantity => parseQuantity(String(quantity)) ?? ZERO;

/** Seconds since 1970 as ClickHouse's `DateTime` has them: up to 2106. */
export const secondsOf = (time: number): number => Math.min(Math.max(0, time / 1000), 0xffff_ffff);

const rowName = ([reported, usage, ...keys]: Values): string =>
  `reported ${isoText(millis(Number(reported)))} usage ${isoText(millis(Number(usage)))} ${keys.join(' ')}`;

/** How many rows there are of hours, or days, that begin before a time and cannot be recounted. */
export const countBefore = async (
  { client, at }: WindowComparison,
  kind: Table['kind'],
  end: number,
): Promise<number> => {
  const { name, reported } = kind === 'hourly' ? HOURLY : DAILY;
  const rows = storedRows(
    client,
    `SELECT count() FROM ${name} AS t FINAL
     WHERE ${OF_PARTITION} AND t.${reported} < toDateTime({end:UInt32}, 'UTC')`,
    { ...partitionParams(at), end: secondsOf(end) },
  );
  for await (const [count] of rows) return Number(count);
  return 0;
};
