import { OF_PARTITION } from '../clickhouse/of-partition.ts';
import { insertSelect, textsOfTuple, textTuple } from './tables.ts';

const day = (column: string): string =>
  `toDateTime(intDiv(toUnixTimestamp(${column}), {daySeconds:UInt32}) * {daySeconds:UInt32}, 'UTC')`;

/**
 * Daily windows, added up from hourly ones.
 * @param where which rows of `usage_hourly AS h FINAL`; a join may precede the condition
 */
export const dailyWindows = (where: string): string => `
SELECT h.topic AS topic, h.epoch AS epoch, h.partition AS partition,
  ${day('h.reported_hour')} AS reported_day, ${day('h.usage_hour')} AS usage_day,
  h.subscription_key AS subscription_key, h.meter_key AS meter_key, h.resource_key AS resource_key,
  argMin(${textTuple('h.')}, h.first_offset) AS texts,
  sum(h.quantity) AS total, sum(h.event_count) AS events, min(h.first_offset) AS lowest,
  max(h.reported_hour) AS through, max(h.generation) AS newest
FROM usage_hourly AS h FINAL ${where}
GROUP BY topic, epoch, partition, reported_day, usage_day, subscription_key, meter_key, resource_key`;

/** Stores some of these windows. */
export const insertDailyWindows = (windows: string, which: string): string =>
  insertSelect(
    'usage_daily',
    {
      topic: 'topic',
      epoch: 'epoch',
      partition: 'partition',
      reported_day: 'reported_day',
      usage_day: 'usage_day',
      usage_day_end: 'usage_day + {daySeconds:UInt32}',
      subscription_key: 'subscription_key',
      meter_key: 'meter_key',
      resource_key: 'resource_key',
      ...textsOfTuple('texts'),
      quantity: 'total',
      event_count: 'events',
      first_offset: 'lowest',
      last_hour: 'through',
      generation: 'newest',
    },
    `(${windows}) WHERE ${which}`,
  );

/**
 * Rolls up what the hours that close now changed in their days: for each daily window with usage in one of
 * these hours, the sum over the day's hours closed so far. A window without usage in them keeps its earlier
 * row, which is still right. The result depends only on closed hours, so running it again gives the same
 * rows.
 */
export const ROLL_UP_DAYS = insertDailyWindows(
  dailyWindows(`WHERE ${OF_PARTITION}
  AND reported_hour >= toDateTime({from:UInt32}, 'UTC')
  AND reported_hour <= toDateTime({last:UInt32}, 'UTC')`),
  `through >= toDateTime({first:UInt32}, 'UTC')`,
);
