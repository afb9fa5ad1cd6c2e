import {
  firstTexts,
  OF_SOURCES,
  USAGE_BUCKETS,
  type UsageBucket,
} from '../shared/usage-store/usage-buckets.ts';
import { textTuple } from '../shared/usage-store/tables.ts';
import { visibleSql } from '../shared/usage-store/visible-sql.ts';
import type { RowKey } from './continuation-token.ts';
import type { Granularity, VisibleQuery } from './usage-query.ts';

/** The table of windows that a query reads. */
const bucketOf = (granularity: Granularity): UsageBucket =>
  USAGE_BUCKETS[granularity === 'Hourly' ? 'hourly' : 'daily'];

/** How a statement gives one row for each key. */
interface RowsOfKeys {
  readonly columns: string;
  readonly order: string;
}

const keyOf = ({ usage }: UsageBucket): string =>
  `${usage}, subscription_key, meter_key, resource_key`;

/** The columns of a row, in the order in which `StoredRows` reads them. */
const columnsOf = (bucket: UsageBucket, usageEnd: string, texts: string, quantity: string) =>
  `toUnixTimestamp(u.${bucket.usage}), subscription_key, meter_key, resource_key,
      toUnixTimestamp(${usageEnd}), toString(${quantity}), ${texts}`;

/** Added up by the engine, with the texts of the earliest event. */
const grouped = (bucket: UsageBucket): RowsOfKeys => ({
  columns: columnsOf(bucket, `max(u.${bucket.usageEnd})`, firstTexts(bucket), 'sum(u.quantity)'),
  order: `GROUP BY ${keyOf(bucket)} ORDER BY ${keyOf(bucket)}`,
});

/** To be added up by `StoredRows`: of rows with the same key the one with the earliest event comes first. */
const asStored = (bucket: UsageBucket): RowsOfKeys => ({
  columns: columnsOf(bucket, `u.${bucket.usageEnd}`, textTuple('u.'), 'u.quantity'),
  order: `ORDER BY ${keyOf(bucket)}, topic, epoch, partition`,
});

/**
 * The keys after the last one of the page before, in an order that the engine compares with its index. It does not do that with
 * tuples.
 */
const beyond = (usage: string): string =>
  `AND ${usage} >= toDateTime({usageStart:UInt32}, 'UTC')
      AND (${usage} > toDateTime({usageStart:UInt32}, 'UTC') OR subscription_key > {subscriptionKey:String}
        OR (subscription_key = {subscriptionKey:String} AND (meter_key > {meterKey:String}
          OR (meter_key = {meterKey:String} AND resource_key > {resourceKey:String}))))`;

const ofSubscriptions = ({ subscriberId, visible }: VisibleQuery): string =>
  [
    subscriberId === null ? '' : 'AND subscription_key = {subscriber:String}',
    visibleSql(visible),
  ].join(' ');

/** Whether rows with the same key come one by one, or added up by the engine. */
export type PageForm = 'as-stored' | 'added-up';

export interface PageLimits {
  /** The time after which the engine cancels a query. */
  readonly timeLimitSeconds: number;
  readonly hourMillis: number;
}

/** Whether a range is one hour or day: its rows stand in the order of their keys. */
export const isOneBucket = (query: VisibleQuery, hourMillis: number): boolean =>
  query.to - query.from <= bucketOf(query.granularity).hours * hourMillis;

/**
 * The rows after a key, for `StoredRows`.
 *
 * | range            | how                                                                              |
 * |------------------|----------------------------------------------------------------------------------|
 * | one hour or day  | it is stored in the order of its keys: the engine continues from the last one in |
 * |                  | small blocks, and stops when there are enough rows. They come as they are stored,|
 * |                  | if asked so: adding up by the engine takes longer than all the rest              |
 * | several of them  | the keys are found first, without other columns and without FINAL, which changes |
 * |                  | no key: the engine keeps only the keys of the rest                               |
 *
 * `GLOBAL` finds the keys once for all shards of a cluster.
 */
export const pageSql = (
  query: VisibleQuery,
  after: RowKey | null,
  { timeLimitSeconds, hourMillis }: PageLimits,
  form: PageForm,
): string => {
  const bucket = bucketOf(query.granularity);
  const { table, reported, usage } = bucket;
  const { columns, order } = form === 'as-stored' ? asStored(bucket) : grouped(bucket);
  const selected = [ofSubscriptions(query), after === null ? '' : beyond(usage)].join(' ');
  const limit = `LIMIT {limit:UInt32}`;
  const timeLimit = `max_execution_time = ${String(timeLimitSeconds)}`;
  if (isOneBucket(query, hourMillis)) {
    return `SELECT ${columns}
    FROM ${table} AS u FINAL
    WHERE ${reported} = toDateTime({from:UInt32}, 'UTC') AND ${OF_SOURCES} ${selected}
    ${order} ${limit}
    SETTINGS ${timeLimit}, optimize_aggregation_in_order = 1, max_threads = 1, max_block_size = 1024`;
  }
  const key = keyOf(bucket);
  const where = `${reported} >= toDateTime({from:UInt32}, 'UTC')
      AND ${reported} < toDateTime({to:UInt32}, 'UTC') AND ${OF_SOURCES}`;
  return `SELECT ${columns}
    FROM ${table} AS u FINAL
    WHERE ${where} AND (${key}) GLOBAL IN (
      SELECT DISTINCT ${key} FROM ${table} WHERE ${where} ${selected} ORDER BY ${key} ${limit})
    ${order}
    SETTINGS ${timeLimit}`;
};
