import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../shared/clickhouse/client.ts';
import type { SourceId } from '../shared/model/source.ts';
import { readCoverage, type Coverage } from '../shared/sources/coverage.ts';
import { millis } from '../shared/model/time.ts';
import type { RowKey } from './continuation-token.ts';
import type { RestatedHour } from './restated-hour.ts';
import type { Granularity, UsageQuery } from './usage-query.ts';
import type { UsageRow } from './usage-row.ts';

/** The names that differ between hours and days. */
const TABLES: Readonly<
  Record<Granularity, { table: string; reported: string; usage: string; usageEnd: string }>
> = {
  Hourly: {
    table: 'usage_hourly',
    reported: 'reported_hour',
    usage: 'usage_hour',
    usageEnd: 'usage_hour_end',
  },
  Daily: {
    table: 'usage_daily',
    reported: 'reported_day',
    usage: 'usage_day',
    usageEnd: 'usage_day_end',
  },
};

/**
 * The rows of one page. The keys are found first, without other columns and without FINAL, which changes no
 * key. So the engine sums quantities and picks attributes for one page only, and keeps only the keys of the
 * rest. Attributes are those of the earliest event. They are wrapped in a tuple because `argMin` skips
 * nulls. `GLOBAL` finds the keys once for all shards of a cluster.
 */
const pageSql = (query: UsageQuery, after: RowKey | null, timeLimitSeconds: number): string => {
  const { table, reported, usage, usageEnd } = TABLES[query.granularity];
  const key = `${usage}, subscription_key, meter_key, resource_key`;
  const where = `${reported} >= toDateTime({from:UInt32}, 'UTC')
      AND ${reported} < toDateTime({to:UInt32}, 'UTC')
      AND (topic, epoch) IN (
        SELECT tupleElement(source, 1), tupleElement(source, 2)
        FROM (SELECT arrayJoin(arrayZip({topics:Array(String)}, {epochs:Array(UInt32)})) AS source))`;
  const ofSubscriber =
    query.subscriberId === null ? '' : 'AND subscription_key = {subscriber:String}';
  const beyond =
    after === null
      ? ''
      : `AND (${key}) > (toDateTime({usageStart:UInt32}, 'UTC'), {subscriptionKey:String},
          {meterKey:String}, {resourceKey:String})`;
  return `SELECT toUnixTimestamp(u.${usage}) AS "usageStart", subscription_key AS "subscriptionKey",
      meter_key AS "meterKey", resource_key AS "resourceKey",
      toUnixTimestamp(max(u.${usageEnd})) AS "usageEnd",
      argMin(
        tuple(u.subscription_id, u.meter_id, u.resource_uri, u.location, u.tags, u.additional_info),
        (u.${reported}, topic, epoch, partition, first_offset)) AS attributes,
      tupleElement(attributes, 1) AS "subscriptionId", tupleElement(attributes, 2) AS "meterId",
      tupleElement(attributes, 3) AS "resourceUri", tupleElement(attributes, 4) AS "location",
      tupleElement(attributes, 5) AS "tags", tupleElement(attributes, 6) AS "additionalInfo",
      toString(sum(u.quantity)) AS "quantity"
    FROM ${table} AS u FINAL
    WHERE ${where} AND (${key}) GLOBAL IN (
      SELECT DISTINCT ${key} FROM ${table}
      WHERE ${where} ${ofSubscriber} ${beyond}
      ORDER BY ${key} LIMIT {limit:UInt32})
    GROUP BY ${key}
    ORDER BY ${key}
    SETTINGS max_execution_time = ${String(timeLimitSeconds)}`;
};

/** ClickHouse's DateTime begins in 1970; nothing was reported before that. */
const seconds = (instant: number): number => Math.max(0, instant / 1000);

/** Reads closed usage from ClickHouse. */
export class UsageStore {
  private readonly client: ClickHouseClient;
  private readonly timeLimitSeconds: number;

  /** @param timeLimitSeconds after which the engine cancels a query */
  constructor(client: ClickHouseClient, timeLimitSeconds: number) {
    this.client = client;
    this.timeLimitSeconds = timeLimitSeconds;
  }

  coverage(): Promise<Coverage> {
    return readCoverage(this.client);
  }

  /**
   * At most `limit` rows of a closed range, in the order of their keys.
   * @param sources the sources that answer for the range, see `countedSources`
   */
  async rows(
    query: UsageQuery,
    sources: readonly SourceId[],
    after: RowKey | null,
    limit: number,
  ): Promise<readonly UsageRow[]> {
    if (sources.length === 0) return [];
    return queryRows<UsageRow>(this.client, pageSql(query, after, this.timeLimitSeconds), {
      from: seconds(query.from),
      to: seconds(query.to),
      topics: sources.map(({ topic }) => topic),
      epochs: sources.map(({ epoch }) => epoch),
      limit,
      ...(query.subscriberId !== null && { subscriber: query.subscriberId }),
      ...after,
    });
  }

  /** The reported hours of a range that were restated after they had closed, in order. */
  async restatedHours(
    query: UsageQuery,
    sources: readonly SourceId[],
  ): Promise<readonly RestatedHour[]> {
    const rows = await queryRows<{ hour: number; generation: number }>(
      this.client,
      `SELECT toUnixTimestamp(r.reported_hour) AS hour, max(r.generation) AS generation
       FROM restatements AS r
       WHERE r.reported_hour >= toDateTime({from:UInt32}, 'UTC')
         AND r.reported_hour < toDateTime({to:UInt32}, 'UTC')
         AND has(arrayZip({topics:Array(String)}, {epochs:Array(UInt32)}), tuple(toString(topic), epoch))
         AND r.windows > 0
       GROUP BY hour ORDER BY hour`,
      {
        from: seconds(query.from),
        to: seconds(query.to),
        topics: sources.map(({ topic }) => topic),
        epochs: sources.map(({ epoch }) => epoch),
      },
    );
    return rows.map(({ hour, generation }) => ({ hour: millis(hour * 1000), generation }));
  }

  /** Whether ClickHouse answers and has the tables. */
  async hasTables(): Promise<boolean> {
    const names = ['sources', 'checkpoints', 'usage_hourly', 'usage_daily'];
    const [found] = await queryRows<{ tables: string }>(
      this.client,
      `SELECT toString(count()) AS tables FROM system.tables
       WHERE database = currentDatabase() AND name IN {names:Array(String)}`,
      { names },
    );
    return found?.tables === String(names.length);
  }
}
