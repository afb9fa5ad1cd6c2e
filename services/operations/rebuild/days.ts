import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows, SEQUENTIAL } from '../../shared/clickhouse/client.ts';
import { dailyWindows, insertDailyWindows } from '../../shared/usage-store/roll-up-days.ts';
import { textTuple } from '../../shared/usage-store/tables.ts';
import { parts } from './parts.ts';
import { rangeParams, WINDOW_DIGEST, type HourRange } from './window-differences.ts';

/** A daily row that is not the sum of the hourly rows. */
export interface DayDifference {
  readonly partition: number;
  readonly reportedDay: number;
  readonly usageDay: number;
  readonly meterKey: string;
  readonly resourceKey: string;
  /** The sum of the hourly rows; null if there are none. */
  readonly hourlyQuantity: string | null;
  /** What the row holds; null if there is no row. */
  readonly rowQuantity: string | null;
}

const dayParams = (range: HourRange, hourMillis: number): Record<string, unknown> => {
  const daySeconds = (hourMillis * 24) / 1000;
  return {
    ...rangeParams(range),
    daySeconds,
    firstDay: Math.floor(range.from / 1000 / daySeconds) * daySeconds,
    endDay: Math.ceil(range.to / 1000 / daySeconds) * daySeconds,
  };
};

/** The daily rows of the days in the range, computed from the hourly rows. */
const ROLLED = dailyWindows(`
INNER JOIN (SELECT partition, open_hour FROM checkpoints FINAL
  WHERE topic = {topic:String} AND epoch = {epoch:UInt32}) AS c ON c.partition = h.partition
WHERE h.topic = {topic:String} AND h.epoch = {epoch:UInt32} AND h.reported_hour < c.open_hour
  AND h.reported_hour >= toDateTime({firstDay:UInt32}, 'UTC')
  AND h.reported_hour < toDateTime({endDay:UInt32}, 'UTC')`);

const IN_RANGE = `topic = {topic:String} AND epoch = {epoch:UInt32}
  AND reported_day >= toDateTime({firstDay:UInt32}, 'UTC') AND reported_day < toDateTime({endDay:UInt32}, 'UTC')`;

const KEYS = [
  'partition',
  'reported_day',
  'usage_day',
  'subscription_key',
  'meter_key',
  'resource_key',
];
const KEY = KEYS.join(', ');

/** The content of a row as text, so that rows with NULLs can be compared. */
const SAID = `toString(tuple(${textTuple()}, quantity, event_count, first_offset, last_hour))`;
const SAID_ROLLED = 'toString(tuple(texts, total, events, lowest, through))';

/** The differences between the daily rows in the range and the hourly rows, in order. */
export const readDayDifferences = (
  client: ClickHouseClient,
  range: HourRange,
  hourMillis: number,
): Promise<readonly DayDifference[]> =>
  queryRows<DayDifference>(
    client,
    `SELECT if(l.present = 1, l.partition, r.partition) AS partition,
       toUnixTimestamp(if(l.present = 1, l.reported_day, r.reported_day)) * 1000 AS "reportedDay",
       toUnixTimestamp(if(l.present = 1, l.usage_day, r.usage_day)) * 1000 AS "usageDay",
       if(l.present = 1, l.meter_key, r.meter_key) AS "meterKey",
       if(l.present = 1, l.resource_key, r.resource_key) AS "resourceKey",
       if(l.present = 1, toString(l.total), NULL) AS "hourlyQuantity",
       if(r.present = 1, toString(r.quantity), NULL) AS "rowQuantity"
     FROM (SELECT *, ${SAID_ROLLED} AS said, 1 AS present FROM (${ROLLED})) AS l
     FULL OUTER JOIN (SELECT ${KEY}, quantity, ${SAID} AS said, 1 AS present FROM usage_daily FINAL WHERE ${IN_RANGE}) AS r
       ON ${KEYS.map((key) => `l.${key} = r.${key}`).join(' AND ')}
     WHERE l.present != r.present OR l.said != r.said
     ORDER BY partition, "reportedDay", "usageDay", "meterKey", "resourceKey"`,
    dayParams(range, hourMillis),
  );

/**
 * Writes the daily rows of the days in the range. The days are closed to their end, so nobody else writes
 * them.
 */
export const rollUpDays = async (
  client: ClickHouseClient,
  range: HourRange,
  hourMillis: number,
  generation: number,
): Promise<void> => {
  const params = { ...dayParams(range, hourMillis), generation };
  const run = async (query: string): Promise<void> => {
    const settings = { ...SEQUENTIAL, mutations_sync: '2' } as const;
    await client.command({ query, query_params: params, clickhouse_settings: settings });
  };
  await run(insertDailyWindows(ROLLED, 'newest = {generation:UInt16}'));
  // Rows that are left over from deleted hourly rows, or were wrong themselves. They are read first and
  // then deleted by their keys: a mutation would recompute all days of the range for each part of the
  // table.
  const wrong = await queryRows<WrongDay>(
    client,
    `SELECT partition, toUnixTimestamp(reported_day) AS "reportedDay", toUnixTimestamp(usage_day) AS "usageDay",
       toString(${WINDOW_DIGEST}) AS digest
     FROM usage_daily FINAL WHERE ${IN_RANGE}
       AND (${KEY}, ${SAID}) NOT IN (SELECT ${KEY}, ${SAID_ROLLED} FROM (${ROLLED}))`,
    params,
  );
  for (const part of parts(wrong)) {
    const keys = part.map(
      (each) =>
        `(${[each.partition, each.reportedDay, each.usageDay, each.digest].map(String).join(', ')})`,
    );
    await run(`ALTER TABLE usage_daily DELETE WHERE ${IN_RANGE}
      AND (partition, toUnixTimestamp(reported_day), toUnixTimestamp(usage_day), ${WINDOW_DIGEST}) IN (${keys.join(', ')})`);
  }
  const isMissing = `(${KEY}) NOT IN (SELECT ${KEY} FROM usage_daily FINAL WHERE ${IN_RANGE})`;
  await run(insertDailyWindows(ROLLED, isMissing));
};

/** A daily window whose row is not the sum of the hourly rows. */
interface WrongDay {
  readonly partition: number;
  readonly reportedDay: number;
  readonly usageDay: number;
  readonly digest: string;
}
