import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { hourFromSeconds } from '../../shared/clickhouse/values.ts';
import type { Identity } from '../../shared/model/event-texts.ts';
import { millis, type Hour, type Millis } from '../../shared/model/time.ts';
import type { SourcePartition } from '../../shared/model/source.ts';

/** An hourly window, and the daily one that it goes into. */
export interface TracedWindow extends SourcePartition, Identity {
  readonly reportedHour: Hour;
  readonly usageHour: Hour;
  /** Exact, as decimal text. */
  readonly quantity: string;
  readonly events: number;
  /** Whether the reported hour is closed in this partition: then the window never changes. */
  readonly isClosed: boolean;
  /** Null until a first hour of the reported day is rolled up. */
  readonly daily: {
    readonly reportedDay: Millis;
    readonly usageDay: Millis;
    readonly quantity: string;
    readonly events: number;
    /** Whether it has this window's hour. */
    readonly isIncluded: boolean;
  } | null;
}

/** Which windows; null means no condition. */
export interface WindowFilter {
  readonly at: SourcePartition | null;
  readonly reportedHour: Hour | null;
  readonly usageHour: Hour | null;
  readonly subscriptionKey: string | null;
  /** Ids in lower case. */
  readonly meterKeys: readonly string[] | null;
  readonly resourceKey: string;
}

interface Row extends SourcePartition {
  readonly reported_hour: number;
  readonly usage_hour: number;
  readonly subscription_id: string;
  readonly meter_id: string;
  readonly resource_uri: string;
  readonly quantity: string;
  readonly events: string;
  readonly is_closed: 0 | 1;
  readonly reported_day: number;
  readonly usage_day: number;
  readonly day_quantity: string;
  readonly day_events: string;
  readonly last_hour: number;
}

const IDENTITY = ['topic', 'epoch', 'partition', 'subscription_key', 'meter_key', 'resource_key'];

const conditionOf = (
  filter: WindowFilter,
): { readonly sql: string; readonly params: Readonly<Record<string, unknown>> } => {
  const parts = ['h.resource_key = {resource:String}'];
  const params: Record<string, unknown> = { resource: filter.resourceKey };
  const add = (name: string, value: unknown, sql: string): void => {
    if (value === null) return;
    parts.push(sql);
    params[name] = value;
  };
  const seconds = (hour: Hour | null): number | null => (hour === null ? null : hour / 1000);
  add('topic', filter.at?.topic ?? null, 'h.topic = {topic:String}');
  add('epoch', filter.at?.epoch ?? null, 'h.epoch = {epoch:UInt32}');
  add('partition', filter.at?.partition ?? null, 'h.partition = {partition:UInt16}');
  add(
    'reported',
    seconds(filter.reportedHour),
    "h.reported_hour = toDateTime({reported:UInt32}, 'UTC')",
  );
  add('usage', seconds(filter.usageHour), "h.usage_hour = toDateTime({usage:UInt32}, 'UTC')");
  add('subscription', filter.subscriptionKey, 'h.subscription_key = {subscription:String}');
  add('meters', filter.meterKeys, 'h.meter_key IN {meters:Array(String)}');
  return { sql: parts.join(' AND '), params };
};

/** The newest windows that match, the newest first. */
export const readWindows = async (
  client: ClickHouseClient,
  filter: WindowFilter,
  limit: number,
): Promise<readonly TracedWindow[]> => {
  const { sql, params } = conditionOf(filter);
  const rows = await queryRows<Row>(
    client,
    `SELECT h.topic AS topic, h.epoch AS epoch, h.partition AS partition,
       toUnixTimestamp(h.reported_hour) AS reported_hour, toUnixTimestamp(h.usage_hour) AS usage_hour,
       h.subscription_id AS subscription_id, h.meter_id AS meter_id, h.resource_uri AS resource_uri,
       toString(h.quantity) AS quantity, toString(h.event_count) AS events,
       h.reported_hour < c.open_hour AS is_closed,
       toUnixTimestamp(d.reported_day) AS reported_day, toUnixTimestamp(d.usage_day) AS usage_day,
       toString(d.quantity) AS day_quantity, toString(d.event_count) AS day_events,
       toUnixTimestamp(d.last_hour) AS last_hour
     FROM (SELECT * FROM usage_hourly AS h FINAL WHERE ${sql}
       ORDER BY h.reported_hour DESC, h.usage_hour DESC, meter_key, topic, epoch, partition LIMIT {limit:UInt32}) AS h
     LEFT JOIN (SELECT * FROM checkpoints FINAL) AS c
       ON c.topic = h.topic AND c.epoch = h.epoch AND c.partition = h.partition
     LEFT JOIN (SELECT * FROM usage_daily AS d FINAL WHERE d.resource_key = {resource:String}) AS d
       ON ${IDENTITY.map((column) => `d.${column} = h.${column}`).join(' AND ')}
       AND d.reported_day = toStartOfDay(h.reported_hour) AND d.usage_day = toStartOfDay(h.usage_hour)
     ORDER BY h.reported_hour DESC, h.usage_hour DESC, h.meter_key, h.topic, h.epoch, h.partition`,
    { ...params, limit },
  );
  return rows.map(windowOf);
};

const windowOf = (row: Row): TracedWindow => ({
  topic: row.topic,
  epoch: row.epoch,
  partition: row.partition,
  reportedHour: hourFromSeconds(row.reported_hour),
  usageHour: hourFromSeconds(row.usage_hour),
  subscriptionId: row.subscription_id,
  meterId: row.meter_id,
  resourceUri: row.resource_uri,
  quantity: row.quantity,
  events: Number(row.events),
  isClosed: row.is_closed === 1,
  daily:
    row.reported_day === 0
      ? null
      : {
          reportedDay: millis(row.reported_day * 1000),
          usageDay: millis(row.usage_day * 1000),
          quantity: row.day_quantity,
          events: Number(row.day_events),
          isIncluded: row.last_hour >= row.reported_hour,
        },
});
