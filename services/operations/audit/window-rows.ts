import type { ClickHouseClient } from '@clickhouse/client';
import type { SourcePartition } from '../../shared/model/source.ts';
import { isoText, millis } from '../../shared/model/time.ts';
import { TEXT_COLUMNS } from './texts.ts';
import type { Values } from './differences.ts';
import {
  instant,
  OF_PARTITION,
  partitionParams,
  selected,
  shortest,
  storedRows,
  type Columns,
} from './stored-rows.ts';

/** A partition and the tables of its windows. */
interface StoredPartition {
  readonly client: ClickHouseClient;
  readonly at: SourcePartition;
}

/** Reported hours or days, from `from` up to but not including `end`. They are compared together. */
export interface Span {
  readonly from: number;
  readonly end: number;
}

/** The columns that identify a window besides its hours. */
const KEYS: Columns = {
  subscription_key: 't.subscription_key',
  meter_key: 't.meter_key',
  resource_key: 't.resource_key',
};

const CONTENT: Columns = {
  ...TEXT_COLUMNS,
  event_count: 't.event_count',
  first_offset: 't.first_offset',
  quantity: 'toString(t.quantity)',
};

/**
 * The columns that decide which of several rows of a window counts. The version is text, because it is too
 * large for a number.
 */
const ORDER: Columns = { generation: 't.generation', version: 'toString(t.version)' };

/** The differences between hours and days. */
export interface WindowTable {
  readonly kind: 'hourly' | 'daily';
  readonly name: string;
  readonly reported: string;
  readonly columns: Columns;
  /** The compared columns: all except those that identify the window. */
  readonly compared: readonly string[];
  /** The column that says how far a row goes. */
  readonly reaches: number;
}

const tableOf = (
  kind: WindowTable['kind'],
  name: string,
  unit: string,
  reaches: Columns,
): WindowTable => {
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

/**
 * The number of columns that identify a window, and of those at the end that decide which of its rows
 * counts.
 */
export const KEYED = 5;
export const ORDERED = 2;

export const HOURLY = tableOf('hourly', 'usage_hourly', 'hour', { last_offset: 't.last_offset' });
export const DAILY = tableOf('daily', 'usage_daily', 'day', {
  last_hour: instant('last_hour'),
});
const QUANTITY = HOURLY.compared.indexOf('quantity') + KEYED;

/** The rows of reported hours or days. */
export async function* rowsWithin(
  { client, at }: StoredPartition,
  table: WindowTable,
  { from, end }: Span,
): AsyncGenerator<Values> {
  const stored = storedRows(
    client,
    `SELECT ${selected(table.columns)} FROM ${table.name} AS t FINAL
     WHERE ${OF_PARTITION} AND t.${table.reported} >= toDateTime({from:UInt32}, 'UTC')
       AND t.${table.reported} < toDateTime({end:UInt32}, 'UTC')`,
    { ...partitionParams(at), from: secondsOf(from), end: secondsOf(end) },
  );
  for await (const row of stored) {
    row[QUANTITY] = shortest(row[QUANTITY]);
    yield row;
  }
}

/** The number of rows of hours or days that begin before a time and cannot be recounted. */
export const countBefore = async (
  { client, at }: StoredPartition,
  kind: WindowTable['kind'],
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

/** Seconds since 1970 within the range of ClickHouse's `DateTime`, which ends in 2106. */
export const secondsOf = (time: number): number => Math.min(Math.max(0, time / 1000), 0xffff_ffff);

/** The name of a row for people, made of the values that identify it. */
export const rowName = ([reported, usage, ...keys]: Values): string =>
  `reported ${isoText(millis(Number(reported)))} usage ${isoText(millis(Number(usage)))} ${keys.join(' ')}`;
