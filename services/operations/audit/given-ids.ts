import type { ClickHouseClient } from '@clickhouse/client';
import type { SourcePartition } from '../../shared/model/source.ts';
import type { Judged } from './recount.ts';
import type { SeenIds } from './seen-ids.ts';
import { instant, partitionParams, storedRows } from './stored-rows.ts';

/**
 * The most hours in one query. The query sorts their ids, and the hours travel in the URL, whose length
 * servers limit.
 */
const HOURS_PER_QUERY = 100;

/**
 * Adds the ids of events that were accepted before the first record that can be counted: in earlier epochs
 * of the topic, whose logs are gone, and below the offset at which counting begins. The ledger is trusted
 * for them, and they decide what is a duplicate. Rows that a delayed owner wrote after the end of an
 * earlier epoch do not count.
 */
export const enterGivenIds = async (
  client: ClickHouseClient,
  seen: SeenIds,
  at: SourcePartition,
  beginning: number,
  usageHours: readonly number[],
): Promise<void> => {
  for (const hour of usageHours) seen.begin(hour);
  for (let from = 0; from < usageHours.length; from += HOURS_PER_QUERY) {
    const rows = storedRows(
      client,
      `SELECT ${instant('usage_hour')}, toString(t.event_id), toString(t.content_digest)
       FROM usage_events AS t
       LEFT JOIN (SELECT epoch, partition, next_offset FROM checkpoints FINAL
           WHERE topic = {topic:String} AND sealed) AS c
         ON c.epoch = t.epoch AND c.partition = t.partition
       WHERE t.topic = {topic:String}
         AND ((t.epoch < {epoch:UInt32} AND t.offset < c.next_offset)
           OR (t.epoch = {epoch:UInt32} AND t.partition = {partition:UInt16} AND t.offset < {beginning:UInt64}))
         AND usage_hour IN (SELECT toDateTime(arrayJoin({hours:Array(UInt32)}), 'UTC'))
       ORDER BY usage_hour, t.epoch, t.offset`,
      {
        ...partitionParams(at),
        beginning,
        hours: usageHours.slice(from, from + HOURS_PER_QUERY).map((hour) => hour / 1000),
      },
    );
    for await (const [hour, id, digest] of rows) {
      const eventId = Buffer.from(String(id).replaceAll('-', ''), 'hex');
      seen.enter(Number(hour), eventId, BigInt(String(digest)));
    }
  }
};

/** Adds them for those usage hours of these records that are not known yet. */
export const enterGivenIdsOf = async (
  client: ClickHouseClient,
  seen: SeenIds,
  at: SourcePartition,
  beginning: number,
  judged: readonly Judged[],
): Promise<void> => {
  const unknown = new Set<number>();
  for (const { usageHour } of judged) {
    if (usageHour !== null && !seen.knows(usageHour)) unknown.add(usageHour);
  }
  if (unknown.size > 0) await enterGivenIds(client, seen, at, beginning, [...unknown]);
};
