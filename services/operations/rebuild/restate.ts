import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows, queryRows, SEQUENTIAL } from '../../shared/clickhouse/client.ts';
import { failpoint } from '../../shared/process/failpoint.ts';
import type { SourceId } from '../../shared/model/source.ts';
import { insertSelect, textsOfTuple } from '../../shared/usage-store/tables.ts';
import { rollUpDays, type DayDifference } from './days.ts';
import { parts } from './parts.ts';
import { restatedWindows, type RestatedHour } from './restated-windows.ts';
import { recordWritten, type UnwrittenHour } from './unwritten-hours.ts';
import {
  FROM_LEDGER,
  rangeParams,
  WINDOW_DIGEST,
  type HourRange,
  type StoredDifference,
} from './window-differences.ts';

export interface Restatement {
  readonly generation: number;
  /** The number of restated hourly windows, and of daily windows of days without one. */
  readonly windows: number;
  readonly hours: readonly number[];
}

export interface RestateOptions {
  /** The first hour of the source. */
  readonly firstHour: number;
  readonly hourMillis: number;
  readonly generation: number;
  readonly actor: string;
  readonly reason: string;
}

/** What is wrong in a range of closed hours. */
export interface Wrong {
  readonly differences: readonly StoredDifference[];
  readonly days: readonly DayDifference[];
  /** What an interrupted restatement of the range has left. It was read before the differences. */
  readonly unwritten: readonly UnwrittenHour[];
}

/**
 * Corrects the windows of closed hours by the ledger. Rows that differ are written again with the source's
 * next generation, which wins whatever the offset says. Rows without any event are deleted. Then the daily
 * rows of their days, and of the given days, are written. Hours that were billed are not composed again:
 * `usagectl bridge reconcile` shows the difference. Repeating it after an interruption finishes it.
 *
 * The hours are recorded before the first row is written and after the last one:
 *
 * | killed                | readers                                | the next rebuild of the range                          |
 * |-----------------------|----------------------------------------|--------------------------------------------------------|
 * | before the first      | see the wrong rows, as before          | begins anew                                            |
 * | between the two       | get none of the hours, and are told    | corrects what still differs, with the next generation, |
 * |                       | how to go on                           | and records both restatements as written               |
 * | after the second      | see the right rows                     | finds nothing                                          |
 */
export const restate = async (
  client: ClickHouseClient,
  range: HourRange,
  { differences, days, unwritten }: Wrong,
  { firstHour, hourMillis, generation, actor, reason }: RestateOptions,
): Promise<Restatement> => {
  const restated = restatedWindows(differences, days, { firstHour, from: range.from });
  await recordHours(client, range, restated, { generation, actor, reason });
  failpoint('rebuild-recorded');
  const wrong = differences.filter(({ ledgerQuantity }) => ledgerQuantity !== null);
  const phantom = differences.filter(({ ledgerQuantity }) => ledgerQuantity === null);
  for (const part of parts(wrong)) await writeRows(client, range, part, generation, hourMillis);
  for (const part of parts(phantom)) await deleteRows(client, range, part);
  failpoint('rebuild-restated');
  await rollUpDays(client, range, hourMillis, generation);
  failpoint('rebuild-rolled-up');
  const own = restated.map((each) => ({ ...each, generation }));
  await recordWritten(client, range, [...unwritten, ...own], { actor, reason });
  const hours = [...new Set(restated.map(({ reportedHour }) => reportedHour))];
  const windows = differences.length + days.length;
  return { generation, windows, hours: hours.sort((a, b) => a - b) };
};

/** The generation of the next restatement of a source. */
export const nextGeneration = async (
  client: ClickHouseClient,
  { topic, epoch }: HourRange,
): Promise<number> => {
  const [row] = await queryRows<{ generation: number }>(
    client,
    `SELECT max(generation) AS generation FROM (
       SELECT generation FROM usage_hourly WHERE topic = {topic:String} AND epoch = {epoch:UInt32}
       UNION ALL
       SELECT generation FROM restatements WHERE topic = {topic:String} AND epoch = {epoch:UInt32})`,
    { topic, epoch },
  );
  return (row?.generation ?? 0) + 1;
};

/** Records that hours will be restated, before a row of them is written. */
export const recordHours = (
  client: ClickHouseClient,
  { topic, epoch }: SourceId,
  hours: readonly RestatedHour[],
  how: Omit<RestateOptions, 'hourMillis' | 'firstHour'>,
): Promise<void> =>
  insertRows(
    client,
    'restatements',
    hours.map(({ partition, reportedHour, windows }) => ({
      topic,
      epoch,
      partition,
      reported_hour: reportedHour / 1000,
      generation: how.generation,
      windows,
      written: false,
      reason: how.reason,
      actor: how.actor,
    })),
  );

/**
 * A list of tuples that identify windows. It has digests of identities, because identities are long and
 * parameters travel in the URL.
 */
const keysOf = (differences: readonly StoredDifference[]): string =>
  differences
    .map(
      (each) =>
        `(${[each.partition, each.reportedHour / 1000, each.usageHour / 1000, each.digest].join(', ')})`,
    )
    .join(', ');

const KEY = `(partition, toUnixTimestamp(reported_hour), toUnixTimestamp(usage_hour), ${WINDOW_DIGEST})`;

const RESTATED = {
  topic: '{topic:String}',
  epoch: '{epoch:UInt32}',
  partition: 'partition',
  reported_hour: 'reported_hour',
  usage_hour: 'usage_hour',
  usage_hour_end: 'usage_hour + {hourSeconds:UInt32}',
  subscription_key: 'subscription_key',
  meter_key: 'meter_key',
  resource_key: 'resource_key',
  ...textsOfTuple('texts'),
  quantity: 'total',
  event_count: 'events',
  first_offset: 'lowest',
  last_offset: 'highest',
  generation: '{generation:UInt16}',
};

const writeRows = async (
  client: ClickHouseClient,
  range: HourRange,
  differences: readonly StoredDifference[],
  generation: number,
  hourMillis: number,
): Promise<void> => {
  await client.command({
    query: insertSelect(
      'usage_hourly',
      RESTATED,
      `(${FROM_LEDGER}) WHERE ${KEY} IN (${keysOf(differences)})`,
    ),
    query_params: {
      ...rangeParams(range),
      generation,
      hourSeconds: hourMillis / 1000,
    },
    clickhouse_settings: SEQUENTIAL,
  });
};

const deleteRows = async (
  client: ClickHouseClient,
  { topic, epoch }: HourRange,
  differences: readonly StoredDifference[],
): Promise<void> => {
  await client.command({
    query: `ALTER TABLE usage_hourly DELETE WHERE topic = {topic:String} AND epoch = {epoch:UInt32}
      AND ${KEY} IN (${keysOf(differences)})`,
    query_params: { topic, epoch },
    clickhouse_settings: { mutations_sync: '2' },
  });
};
