import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows, queryRows } from '../../shared/clickhouse/client.ts';
import { hourFromSeconds, quantityFromText } from '../../shared/clickhouse/values.ts';
import { formatQuantity, type Quantity } from '../../shared/model/decimal.ts';
import { identityKeys, resourceKey } from '../../shared/model/placement.ts';
import type { Identity } from '../../shared/model/event-texts.ts';
import { millis, type Hour } from '../../shared/model/time.ts';
import type { Adjustment, RecordedAdjustment } from './adjustment.ts';

interface Row {
  readonly id: string;
  readonly topic: string;
  readonly subscription_id: string;
  readonly meter_id: string;
  readonly resource_uri: string;
  readonly hour: number;
  readonly quantity: string;
  readonly location: string;
  readonly tags: string | null;
  readonly reason: string;
  readonly key: string;
  readonly forced: boolean;
  readonly actor: string;
  readonly at: string;
  readonly counted_in: number | null;
  readonly counted_at: string | null;
}

/** An adjustment, and where it counts. */
export interface ListedAdjustment extends RecordedAdjustment {
  /** The reported hour in which it counts; null while it does not, as far as the ledger goes. */
  readonly countedIn: Hour | null;
  /** Its record, as in `usagectl event`. */
  readonly countedAt: string | null;
}

/** Which adjustments to read; what is left out is no condition. */
export interface AdjustmentFilter {
  readonly id?: string | undefined;
  readonly subscription?: string | undefined;
  readonly resource?: string | undefined;
  readonly meter?: string | undefined;
  readonly usageHour?: Hour | undefined;
}

const CONDITIONS = {
  id: 'adjustment_id = {id:UUID}',
  subscription: 'lower(subscription_id) = lower({subscription:String})',
  resource: 'lower(resource_uri) = lower({resource:String})',
  meter: 'lower(meter_id) = lower({meter:String})',
  usageHour: "usage_hour = toDateTime(intDiv({usageHour:Int64}, 1000), 'UTC')",
} as const satisfies Record<keyof AdjustmentFilter, string>;

export const recordAdjustment = (
  client: ClickHouseClient,
  adjustment: Adjustment,
  actor: string,
): Promise<void> =>
  insertRows(client, 'adjustments', [
    {
      adjustment_id: adjustment.id,
      topic: adjustment.topic,
      subscription_id: adjustment.subscriptionId,
      meter_id: adjustment.meterId,
      resource_uri: adjustment.resourceUri,
      usage_hour: adjustment.usageHour / 1000,
      quantity: formatQuantity(adjustment.quantity),
      location: adjustment.location,
      tags: adjustment.tags,
      reason: adjustment.reason,
      key: adjustment.key,
      forced: adjustment.forced,
      actor,
    },
  ]);

/**
 * Recorded adjustments in the order in which they were made. One counts when the owner of its partition has
 * stored a checkpoint behind its event.
 */
export const readAdjustments = async (
  client: ClickHouseClient,
  filter: AdjustmentFilter,
): Promise<readonly ListedAdjustment[]> => {
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  const conditions = given.map(([name]) => CONDITIONS[name as keyof AdjustmentFilter]);
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const rows = await queryRows<Row>(
    client,
    `WITH first AS (
       SELECT * FROM adjustments ${where} ORDER BY at LIMIT 1 BY adjustment_id)
     SELECT toString(a.adjustment_id) AS id, a.topic AS topic, a.subscription_id AS subscription_id,
       a.meter_id AS meter_id, a.resource_uri AS resource_uri, toUnixTimestamp(a.usage_hour) AS hour,
       toString(a.quantity) AS quantity, a.location AS location, a.tags AS tags, a.reason AS reason,
       a.key AS key, a.forced AS forced, a.actor AS actor,
       toString(toUnixTimestamp64Milli(toDateTime64(a.at, 3))) AS at,
       if(l.place = '', NULL, toUnixTimestamp(l.reported_hour)) AS counted_in,
       if(l.place = '', NULL, l.place) AS counted_at
     FROM first AS a
     LEFT JOIN (
       SELECT e.event_id AS event_id, e.usage_hour AS usage_hour, e.reported_hour AS reported_hour,
         concat(e.topic, '/', toString(e.partition), '/', toString(e.offset)) AS place
       FROM usage_events AS e FINAL
       INNER JOIN (SELECT topic, epoch, partition, next_offset FROM checkpoints FINAL) AS c
         ON c.topic = e.topic AND c.epoch = e.epoch AND c.partition = e.partition
       WHERE (e.usage_hour, e.event_id) IN (SELECT usage_hour, adjustment_id FROM first)
         AND e.offset < c.next_offset
     ) AS l ON l.event_id = a.adjustment_id AND l.usage_hour = a.usage_hour
     ORDER BY a.at, a.adjustment_id`,
    Object.fromEntries(given),
  );
  return rows.map(listed);
};

const listed = (row: Row): ListedAdjustment => ({
  id: row.id,
  topic: row.topic,
  subscriptionId: row.subscription_id,
  meterId: row.meter_id,
  resourceUri: row.resource_uri,
  usageHour: hourFromSeconds(row.hour),
  quantity: quantityFromText(row.quantity),
  location: row.location,
  tags: row.tags,
  reason: row.reason,
  key: row.key,
  forced: row.forced,
  actor: row.actor,
  at: millis(Number(row.at)),
  countedIn: row.counted_in === null ? null : hourFromSeconds(row.counted_in),
  countedAt: row.counted_at,
});

/** The attributes of a resource's newest window. */
export interface ResourceAttributes {
  readonly location: string;
  readonly tags: string | null;
}

/** What is recorded for one usage hour of a resource and meter, over all reported hours so far. */
export interface RecordedUsage {
  /** Null if there is no window. */
  readonly quantity: Quantity | null;
  readonly attributes: ResourceAttributes | null;
}

interface UsageRow extends ResourceAttributes {
  readonly windows: string;
  readonly quantity: string;
}

const RECORDED = `
  SELECT toString(count()) AS windows, toString(sum(h.quantity)) AS quantity,
    argMax(h.location, (h.reported_hour, h.usage_hour, h.first_offset)) AS location,
    argMax(tuple(h.tags), (h.reported_hour, h.usage_hour, h.first_offset)).1 AS tags
  FROM usage_hourly AS h FINAL
  INNER JOIN (SELECT topic, epoch FROM sources FINAL WHERE kind = 'live' OR state = 'sealed') AS s
    ON s.topic = h.topic AND s.epoch = h.epoch
  WHERE h.resource_key = {resourceKey:String}`;

export const readRecordedUsage = async (
  client: ClickHouseClient,
  identity: Identity,
  usageHour: Hour,
): Promise<RecordedUsage> => {
  const [row] = await queryRows<UsageRow>(
    client,
    `${RECORDED} AND h.subscription_key = {subscriptionKey:String}
       AND h.meter_key = {meterKey:String} AND h.usage_hour = toDateTime({hour:UInt32}, 'UTC')`,
    { ...identityKeys(identity), hour: usageHour / 1000 },
  );
  return {
    quantity: row && row.windows !== '0' ? quantityFromText(row.quantity) : null,
    attributes: attributesIn(row),
  };
};

/** The attributes of a resource, whatever its meter and usage hour; null if it has no window. */
export const readAttributes = async (
  client: ClickHouseClient,
  resourceUri: string,
): Promise<ResourceAttributes | null> => {
  const [row] = await queryRows<UsageRow>(client, RECORDED, {
    resourceKey: resourceKey(resourceUri),
  });
  return attributesIn(row);
};

const attributesIn = (row: UsageRow | undefined): ResourceAttributes | null =>
  row === undefined || row.windows === '0' ? null : { location: row.location, tags: row.tags };
