import type { ClickHouseClient } from '@clickhouse/client';
import { parseQuantity, ZERO } from '../../shared/decimal.ts';
import type { SourcePartition } from '../../shared/source.ts';
import { contentOf, type SeenIds } from './seen-ids.ts';
import { instant, millisecond, partitionParams, storedRows } from './stored-rows.ts';

/** Hours travel in the URL, whose length servers limit. */
const HOURS_PER_QUERY = 500;

/**
 * Events that were accepted before the first record that can be counted: in earlier lives of the
 * topic, whose logs are gone, and below the offset at which counting begins. What the ledger holds of
 * them is taken as given; it decides what is a duplicate.
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
      `SELECT ${instant('usage_hour')}, toString(t.event_id), ${millisecond('usage_start')},
         ${millisecond('usage_end')}, toString(t.quantity), t.subscription_id, t.meter_id,
         t.resource_uri, t.location, t.tags, t.additional_info
       FROM usage_events AS t
       WHERE topic = {topic:String}
         AND (epoch < {epoch:UInt32}
           OR (epoch = {epoch:UInt32} AND partition = {partition:UInt16} AND t.offset < {beginning:UInt64}))
         AND usage_hour IN (SELECT toDateTime(arrayJoin({hours:Array(UInt32)}), 'UTC'))
       ORDER BY epoch, t.offset`,
      {
        ...partitionParams(at),
        beginning,
        hours: usageHours.slice(from, from + HOURS_PER_QUERY).map((hour) => hour / 1000),
      },
    );
    for await (const [hour, id, start, end, quantity, ...texts] of rows) {
      const [subscriptionId, meterId, resourceUri, location, tags, additionalInfo] = texts;
      const eventId = Buffer.from(String(id).replaceAll('-', ''), 'hex');
      const usage = {
        eventId,
        subscriptionId: String(subscriptionId),
        meterId: String(meterId),
        resourceUri: String(resourceUri),
        start: Number(start),
        end: Number(end),
        quantity: Buffer.alloc(0), // its value is given
        location: String(location),
        tags: tags as string | null,
        additionalInfo: additionalInfo as string | null,
      };
      const content = contentOf(usage, parseQuantity(String(quantity)) ?? ZERO);
      seen.enter(Number(hour), eventId, content);
    }
  }
};
