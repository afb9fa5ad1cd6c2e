import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows, queryRows, SEQUENTIAL } from '../../shared/clickhouse/client.ts';
import {
  FROM_LEDGER,
  rangeParams,
  readDifferences,
  type HourRange,
  type WindowDifference,
} from './recount.ts';

export interface Restatement {
  readonly generation: number;
  /** Windows that were restated. */
  readonly windows: number;
  readonly hours: readonly number[];
}

export interface RestateOptions {
  readonly hourMillis: number;
  readonly actor: string;
  readonly reason: string;
}

/**
 * Brings the windows of closed hours to what the ledger gives. Rows that differ are written again with
 * the source's next generation, which wins over whatever the offset says; rows without any event are
 * deleted; then the daily rows of what was written again. Hours that were billed are not composed
 * again: `reconcile` shows the difference. Repeating it after an interruption finishes it.
 */
export const restate = async (
  client: ClickHouseClient,
  range: HourRange,
  { hourMillis, actor, reason }: RestateOptions,
): Promise<Restatement> => {
  const differences = await readDifferences(client, range);
  const generation = (await highestGeneration(client, range)) + 1;
  const hours = [...new Set(differences.map(({ reportedHour }) => reportedHour))].sort(
    (a, b) => a - b,
  );
  const result = { generation, windows: differences.length, hours };
  if (differences.length === 0) return result;
  // Readers see first that the hours are restated, then the new rows.
  await recordHours(client, range, differences, generation, actor, reason);
  const wrong = differences.filter(({ ledgerQuantity }) => ledgerQuantity !== null);
  const phantom = differences.filter(({ ledgerQuantity }) => ledgerQuantity === null);
  for (const part of parts(wrong)) await writeRows(client, range, part, generation, hourMillis);
  for (const part of parts(phantom)) await deleteRows(client, range, part);
  await rollUpDays(client, range, hourMillis, generation);
  return result;
};

/** Keys travel in the request: not all of them at once. */
const PART = 1_000;

const parts = (
  differences: readonly WindowDifference[],
): readonly (readonly WindowDifference[])[] =>
  Array.from({ length: Math.ceil(differences.length / PART) }, (_, n) =>
    differences.slice(n * PART, (n + 1) * PART),
  );

const highestGeneration = async (
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
  return row?.generation ?? 0;
};

const recordHours = async (
  client: ClickHouseClient,
  { topic, epoch }: HourRange,
  differences: readonly WindowDifference[],
  generation: number,
  actor: string,
  reason: string,
): Promise<void> => {
  const windows = new Map<string, number>();
  for (const { partition, reportedHour } of differences) {
    const key = `${String(partition)} ${String(reportedHour)}`;
    windows.set(key, (windows.get(key) ?? 0) + 1);
  }
  await insertRows(
    client,
    'restatements',
    [...windows].map(([key, count]) => {
      const [partition = 0, hour = 0] = key.split(' ').map(Number);
      return {
        topic,
        epoch,
        partition,
        reported_hour: hour / 1000,
        generation,
        windows: count,
        reason,
        actor,
      };
    }),
  );
};

/** The keys of windows as one parameter, in a form that ClickHouse reads as an array of tuples. */
const keysOf = (differences: readonly WindowDifference[]): string =>
  JSON.stringify(
    differences.map((each) => [
      each.partition,
      each.reportedHour / 1000,
      each.usageHour / 1000,
      each.subscriptionKey,
      each.meterKey,
      each.resourceKey,
    ]),
  );

const KEYS = `(SELECT tupleElement(k, 1), toDateTime(tupleElement(k, 2), 'UTC'), toDateTime(tupleElement(k, 3), 'UTC'),
    tupleElement(k, 4), tupleElement(k, 5), tupleElement(k, 6)
  FROM (SELECT arrayJoin(JSONExtract({keys:String}, 'Array(Tuple(UInt16, UInt32, UInt32, String, String, String))')) AS k))`;

const writeRows = async (
  client: ClickHouseClient,
  range: HourRange,
  differences: readonly WindowDifference[],
  generation: number,
  hourMillis: number,
): Promise<void> => {
  await client.command({
    query: `INSERT INTO usage_hourly
        (topic, epoch, partition, reported_hour, usage_hour, usage_hour_end, subscription_key, meter_key,
         resource_key, subscription_id, meter_id, resource_uri, location, tags, additional_info,
         quantity, event_count, first_offset, last_offset, generation)
      SELECT {topic:String}, {epoch:UInt32}, partition, reported_hour, usage_hour,
        usage_hour + {hourSeconds:UInt32}, subscription_key, meter_key, resource_key,
        tupleElement(attributes, 1), tupleElement(attributes, 2), tupleElement(attributes, 3),
        tupleElement(attributes, 4), tupleElement(attributes, 5), tupleElement(attributes, 6),
        total, events, lowest, highest, {generation:UInt16}
      FROM (${FROM_LEDGER})
      WHERE (partition, reported_hour, usage_hour, subscription_key, meter_key, resource_key) IN ${KEYS}`,
    query_params: {
      ...rangeParams(range),
      keys: keysOf(differences),
      generation,
      hourSeconds: hourMillis / 1000,
    },
    clickhouse_settings: SEQUENTIAL,
  });
};

const deleteRows = async (
  client: ClickHouseClient,
  { topic, epoch }: HourRange,
  differences: readonly WindowDifference[],
): Promise<void> => {
  await client.command({
    query: `ALTER TABLE usage_hourly DELETE WHERE topic = {topic:String} AND epoch = {epoch:UInt32}
      AND (partition, reported_hour, usage_hour, subscription_key, meter_key, resource_key) IN ${KEYS}`,
    query_params: { topic, epoch, keys: keysOf(differences) },
    clickhouse_settings: { mutations_sync: '2' },
  });
};

/** The daily rows of the days in the range, which are closed to their end: nobody else writes them. */
const rollUpDays = async (
  client: ClickHouseClient,
  range: HourRange,
  hourMillis: number,
  generation: number,
): Promise<void> => {
  const daySeconds = (hourMillis * 24) / 1000;
  const day = (column: string): string =>
    `toDateTime(intDiv(toUnixTimestamp(${column}), {daySeconds:UInt32}) * {daySeconds:UInt32}, 'UTC')`;
  const params = {
    ...rangeParams(range),
    daySeconds,
    firstDay: Math.floor(range.from / 1000 / daySeconds) * daySeconds,
    endDay: (Math.floor(range.to / 1000 / daySeconds) + 1) * daySeconds,
    generation,
  };
  const rolled = `
    SELECT h.partition AS partition, ${day('h.reported_hour')} AS reported_day,
      ${day('h.usage_hour')} AS usage_day, h.subscription_key AS subscription_key,
      h.meter_key AS meter_key, h.resource_key AS resource_key,
      argMin(tuple(h.subscription_id, h.meter_id, h.resource_uri, h.location, h.tags, h.additional_info), h.first_offset) AS attributes,
      sum(h.quantity) AS total, sum(h.event_count) AS events, min(h.first_offset) AS lowest,
      max(h.reported_hour) AS through, max(h.generation) AS newest
    FROM usage_hourly AS h FINAL
    INNER JOIN (SELECT partition, closed_through FROM checkpoints FINAL
      WHERE topic = {topic:String} AND epoch = {epoch:UInt32}) AS c ON c.partition = h.partition
    WHERE h.topic = {topic:String} AND h.epoch = {epoch:UInt32} AND h.reported_hour < c.closed_through
      AND h.reported_hour >= toDateTime({firstDay:UInt32}, 'UTC')
      AND h.reported_hour < toDateTime({endDay:UInt32}, 'UTC')
    GROUP BY partition, reported_day, usage_day, subscription_key, meter_key, resource_key`;
  const inRange = `topic = {topic:String} AND epoch = {epoch:UInt32}
    AND reported_day >= toDateTime({firstDay:UInt32}, 'UTC') AND reported_day < toDateTime({endDay:UInt32}, 'UTC')`;
  const key = 'partition, reported_day, usage_day, subscription_key, meter_key, resource_key';
  const insert = (where: string): string => `INSERT INTO usage_daily
      (topic, epoch, partition, reported_day, usage_day, usage_day_end, subscription_key, meter_key,
       resource_key, subscription_id, meter_id, resource_uri, location, tags, additional_info,
       quantity, event_count, first_offset, through_hour, generation)
    SELECT {topic:String}, {epoch:UInt32}, partition, reported_day, usage_day,
      usage_day + {daySeconds:UInt32}, subscription_key, meter_key, resource_key,
      tupleElement(attributes, 1), tupleElement(attributes, 2), tupleElement(attributes, 3),
      tupleElement(attributes, 4), tupleElement(attributes, 5), tupleElement(attributes, 6),
      total, events, lowest, through, newest
    FROM (${rolled}) WHERE ${where}`;
  const run = async (query: string): Promise<void> => {
    const settings = { ...SEQUENTIAL, mutations_sync: '2' } as const;
    await client.command({ query, query_params: params, clickhouse_settings: settings });
  };
  await run(insert('newest = {generation:UInt16}'));
  // What is left over from rows that were deleted: daily rows that hold too much, or nothing at all.
  await run(`ALTER TABLE usage_daily DELETE WHERE ${inRange}
    AND (${key}, quantity, event_count) NOT IN (SELECT ${key}, total, events FROM (${rolled}))`);
  await run(insert(`(${key}) NOT IN (SELECT ${key} FROM usage_daily FINAL WHERE ${inRange})`));
};
