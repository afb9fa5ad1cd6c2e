import type { ClickHouseClient } from '@clickhouse/client';
import { SEQUENTIAL } from '../../shared/clickhouse/client.ts';
import { textTuple } from '../../shared/usage-store/tables.ts';
import type { SourceId } from '../../shared/model/source.ts';
import type { Hour } from '../../shared/model/time.ts';

/** Closed reported hours of a source. */
export interface HourRange extends SourceId {
  readonly from: Hour;
  /** Exclusive. */
  readonly to: Hour;
  /** The hour up to which the ledger was trimmed. Windows of earlier usage cannot be recounted. */
  readonly floor: Hour;
}

/** A window whose row differs from the ledger. */
export interface WindowDifference {
  readonly partition: number;
  readonly reportedHour: number;
  readonly usageHour: number;
  readonly subscriptionKey: string;
  readonly meterKey: string;
  readonly resourceKey: string;
  /** The sum of the ledger or the log; null if it has no event of this window. */
  readonly ledgerQuantity: string | null;
  readonly ledgerEvents: string | null;
  /** What the row holds; null if there is no row. */
  readonly rowQuantity: string | null;
  readonly rowEvents: string | null;
}

/** A window to be restated, because its row differs from the ledger. */
export interface StoredDifference extends WindowDifference {
  /** The digest of the identities in its key. */
  readonly digest: string;
}

export const WINDOW_DIGEST = 'sipHash64(subscription_key, meter_key, resource_key)';

export const rangeParams = ({
  topic,
  epoch,
  from,
  to,
  floor,
}: HourRange): Record<string, unknown> => ({
  topic,
  epoch,
  from: from / 1000,
  to: to / 1000,
  floor: floor / 1000,
});

const IN_RANGE = `topic = {topic:String} AND epoch = {epoch:UInt32}
  AND reported_hour >= toDateTime({from:UInt32}, 'UTC') AND reported_hour < toDateTime({to:UInt32}, 'UTC')
  AND usage_hour >= toDateTime({floor:UInt32}, 'UTC')`;

/** Only the owner of a partition may write hours that the partition has not closed. */
const CLOSED = `(SELECT partition, open_hour, next_offset FROM checkpoints FINAL
  WHERE topic = {topic:String} AND epoch = {epoch:UInt32})`;

/** The windows of closed hours, computed from the ledger. */
export const FROM_LEDGER = `
SELECT e.partition AS partition, e.reported_hour AS reported_hour, e.usage_hour AS usage_hour,
  lower(e.subscription_id) AS subscription_key, lower(e.meter_id) AS meter_key,
  lower(e.resource_uri) AS resource_key,
  argMin(${textTuple('e.')}, e.offset) AS texts,
  sum(e.quantity) AS total, count() AS events, min(e.offset) AS lowest, max(e.offset) AS highest
FROM (SELECT * FROM usage_events FINAL WHERE ${IN_RANGE}) AS e
INNER JOIN ${CLOSED} AS c ON c.partition = e.partition
WHERE e.reported_hour < c.open_hour AND e.offset < c.next_offset
GROUP BY partition, reported_hour, usage_hour, subscription_key, meter_key, resource_key`;

/** The windows of closed hours in a table. */
export const windowsIn = (table: string): string => `
SELECT h.partition AS partition, h.reported_hour AS reported_hour, h.usage_hour AS usage_hour,
  h.subscription_key AS subscription_key, h.meter_key AS meter_key, h.resource_key AS resource_key,
  ${textTuple('h.')} AS texts,
  h.quantity AS total, h.event_count AS events, h.first_offset AS lowest, h.last_offset AS highest
FROM (SELECT * FROM ${table} FINAL WHERE ${IN_RANGE}) AS h
INNER JOIN ${CLOSED} AS c ON c.partition = h.partition
WHERE h.reported_hour < c.open_hour`;

const KEYS = [
  'partition',
  'reported_hour',
  'usage_hour',
  'subscription_key',
  'meter_key',
  'resource_key',
];

/** Windows whose row is not as expected: \`l\` is the expected side, \`r\` the row's. */
const differing = (expected: string): string => `
FROM (SELECT *, 1 AS present FROM (${expected})) AS l
FULL OUTER JOIN (SELECT *, 1 AS present FROM (${windowsIn('usage_hourly')})) AS r
  ON ${KEYS.map((key) => `l.${key} = r.${key}`).join(' AND ')}
WHERE l.present != r.present OR l.total != r.total OR l.events != r.events
  OR l.lowest != r.lowest OR l.highest != r.highest
  OR toString(l.texts) != toString(r.texts)`;

const KEY_OF_EITHER = KEYS.map((key) => `if(l.present = 1, l.${key}, r.${key}) AS ${key}`).join(
  ', ',
);

/**
 * The differences between the stored and the expected windows of closed hours, in order.
 * @param expected the SQL of the expected windows: from the ledger or from another table
 */
export async function* differencesFrom(
  client: ClickHouseClient,
  range: HourRange,
  expected: string,
): AsyncGenerator<StoredDifference[], void, undefined> {
  const result = await client.query({
    query: `SELECT partition, toUnixTimestamp(reported_hour) * 1000 AS "reportedHour",
       toUnixTimestamp(usage_hour) * 1000 AS "usageHour", subscription_key AS "subscriptionKey",
       meter_key AS "meterKey", resource_key AS "resourceKey", "ledgerQuantity", "ledgerEvents",
       "rowQuantity", "rowEvents", toString(${WINDOW_DIGEST}) AS digest
     FROM (
       SELECT ${KEY_OF_EITHER},
         if(l.present = 1, toString(l.total), NULL) AS "ledgerQuantity",
         if(l.present = 1, toString(l.events), NULL) AS "ledgerEvents",
         if(r.present = 1, toString(r.total), NULL) AS "rowQuantity",
         if(r.present = 1, toString(r.events), NULL) AS "rowEvents"
       ${differing(expected)})
     ORDER BY partition, reported_hour, usage_hour, subscription_key, meter_key, resource_key`,
    query_params: rangeParams(range),
    format: 'JSONEachRow',
    clickhouse_settings: SEQUENTIAL,
  });
  for await (const rows of result.stream<StoredDifference>()) {
    yield rows.map((row) => row.json<StoredDifference>());
  }
}

/** The differences between the stored windows of closed hours and the ledger, in order. */
export const readDifferences = async (
  client: ClickHouseClient,
  range: HourRange,
): Promise<readonly StoredDifference[]> => {
  const all: StoredDifference[] = [];
  for await (const some of differencesFrom(client, range, FROM_LEDGER)) all.push(...some);
  return all;
};
