import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../clickhouse/client.ts';
import { LAST_MOVES } from './last-moves.ts';

/** Where a carry is: where it was moved last, or where it was composed. */
const place = (column: string): string =>
  `if(m.last.to_topic = '', u.${column}, m.last.to_${column}) AS ${column}`;

/**
 * The submissions that were carried, are in no later one, and should be: an hour is composed at their place that began
 * when they were there already. It began a whole hour after that was recorded, since a clock may differ.
 */
export const readLostCarries = async (client: ClickHouseClient): Promise<ReadonlySet<string>> => {
  const rows = await queryRows<{ readonly id: string }>(
    client,
    `SELECT toString(c.id) AS id FROM (
       SELECT u.submission_id AS id, ${['topic', 'epoch', 'partition'].map(place).join(', ')},
         toUnixTimestamp64Milli(if(m.last.to_topic = '', u.at, m.last.at)) AS told
       FROM commerce_outcomes AS u FINAL
       LEFT JOIN (${LAST_MOVES}) AS m ON m.submission_id = u.submission_id
       WHERE u.outcome = 'carried'
         AND u.submission_id NOT IN (SELECT arrayJoin(i.carries) FROM commerce_usage AS i)
     ) AS c
     INNER JOIN (
       SELECT topic, epoch, partition, toUnixTimestamp(max(reported_hour)) * 1000 AS composed
       FROM compositions GROUP BY topic, epoch, partition
     ) AS p ON p.topic = c.topic AND p.epoch = c.epoch AND p.partition = c.partition
     INNER JOIN (SELECT topic, epoch, hour_millis FROM sources FINAL) AS s
       ON s.topic = c.topic AND s.epoch = c.epoch
     WHERE p.composed > c.told + s.hour_millis`,
  );
  return new Set(rows.map(({ id }) => id));
};
