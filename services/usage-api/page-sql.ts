import { textsFrom } from '../shared/model/event-texts.ts';
import {
  firstTexts,
  OF_SOURCES,
  USAGE_BUCKETS,
  type UsageBucket,
} from '../shared/usage-store/usage-buckets.ts';
import { visibleSql } from '../shared/usage-store/visible-sql.ts';
import type { RowKey } from './continuation-token.ts';
import type { Granularity, VisibleQuery } from './usage-query.ts';
import type { UsageRow } from './usage-row.ts';

/** The table of windows that a query reads. */
const bucketOf = (granularity: Granularity): UsageBucket =>
  USAGE_BUCKETS[granularity === 'Hourly' ? 'hourly' : 'daily'];

/** The columns of a page's rows, in the order of `columnsOf`. */
export type PageColumns = readonly [
  usageStart: number,
  usageEnd: number,
  subscriptionKey: string,
  meterKey: string,
  resourceKey: string,
  texts: readonly (string | null)[],
  quantity: string,
];

/** One row for each key, with the texts of its earliest event. */
const columnsOf = (bucket: UsageBucket): string =>
  `toUnixTimestamp(u.${bucket.usage}), toUnixTimestamp(max(u.${bucket.usageEnd})),
      subscription_key, meter_key, resource_key,
      ${firstTexts(bucket)},
      toString(sum(u.quantity))`;

export const usageRowOf = ([
  usageStart,
  usageEnd,
  subscriptionKey,
  meterKey,
  resourceKey,
  texts,
  quantity,
]: PageColumns): UsageRow => ({
  usageStart,
  usageEnd,
  subscriptionKey,
  meterKey,
  resourceKey,
  ...textsFrom(texts),
  quantity,
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

export interface PageLimits {
  /** The time after which the engine cancels a query. */
  readonly timeLimitSeconds: number;
  readonly hourMillis: number;
}

/**
 * The rows of one page.
 *
 * | range            | how                                                                              |
 * |------------------|----------------------------------------------------------------------------------|
 * | one hour or day  | it is stored in the order of its keys: the engine continues from the last one in |
 * |                  | small blocks, and stops when the page is full                                    |
 * | several of them  | the keys are found first, without other columns and without FINAL, which changes |
 * |                  | no key: the engine keeps only the keys of the rest                               |
 *
 * `GLOBAL` finds the keys once for all shards of a cluster.
 */
export const pageSql = (
  query: VisibleQuery,
  after: RowKey | null,
  { timeLimitSeconds, hourMillis }: PageLimits,
): string => {
  const bucket = bucketOf(query.granularity);
  const { table, reported, usage, hours } = bucket;
  const key = `${usage}, subscription_key, meter_key, resource_key`;
  const selected = [ofSubscriptions(query), after === null ? '' : beyond(usage)].join(' ');
  const limit = `LIMIT {limit:UInt32}`;
  const timeLimit = `max_execution_time = ${String(timeLimitSeconds)}`;
  if (query.to - query.from <= hours * hourMillis) {
    return `SELECT ${columnsOf(bucket)}
    FROM ${table} AS u FINAL
    WHERE ${reported} = toDateTime({from:UInt32}, 'UTC') AND ${OF_SOURCES} ${selected}
    GROUP BY ${key} ORDER BY ${key} ${limit}
    SETTINGS ${timeLimit}, optimize_aggregation_in_order = 1, max_threads = 1, max_block_size = 1024`;
  }
  const where = `${reported} >= toDateTime({from:UInt32}, 'UTC')
      AND ${reported} < toDateTime({to:UInt32}, 'UTC') AND ${OF_SOURCES}`;
  return `SELECT ${columnsOf(bucket)}
    FROM ${table} AS u FINAL
    WHERE ${where} AND (${key}) GLOBAL IN (
      SELECT DISTINCT ${key} FROM ${table} WHERE ${where} ${selected} ORDER BY ${key} ${limit})
    GROUP BY ${key} ORDER BY ${key}
    SETTINGS ${timeLimit}`;
};
