import type { ClickHouseClient } from '@clickhouse/client';
import type { KafkaAdmin } from '../../shared/kafka/admin.ts';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { PATIENCE_MILLIS } from './trouble.ts';

/** Longer than a healthy bridge takes from a record to its checkpoint. */
const SECOND_LOOK_MILLIS = 3_000;

/** The unread records of each partition whose checkpoint has not moved for long. */
const behind = async (
  client: ClickHouseClient,
  admin: KafkaAdmin,
  topic: string,
): Promise<ReadonlyMap<number, number>> => {
  const rows = await queryRows<{ partition: number; next: string; age: string }>(
    client,
    `SELECT partition, toString(c.next_offset) AS next,
       toString(dateDiff('millisecond', c.written_at, now64(3, 'UTC'))) AS age
     FROM bridge_checkpoints AS c FINAL WHERE topic = {topic:String}`,
    { topic },
  );
  if (rows.length === 0) return new Map(); // no bridge has run here
  const logs = await admin.offsets(topic);
  return new Map(
    rows.flatMap(({ partition, next, age }) => {
      const unread = (logs[partition]?.high ?? 0) - Number(next);
      return unread > 0 && Number(age) > PATIENCE_MILLIS ? [[partition, unread] as const] : [];
    }),
  );
};

/**
 * Where the bridge has stopped, in words, judged by its checkpoints and the log. The records of an hour
 * arrive all at once after a long pause, so a partition that looks stuck is checked twice.
 */
export const bridgeTroubles = async (
  client: ClickHouseClient,
  admin: KafkaAdmin,
  topic: string,
): Promise<readonly string[]> => {
  const first = await behind(client, admin, topic);
  if (first.size === 0) return [];
  await new Promise((resolve) => setTimeout(resolve, SECOND_LOOK_MILLIS));
  const second = await behind(client, admin, topic);
  return [...second]
    .filter(([partition]) => first.has(partition))
    .map(
      ([partition, unread]) =>
        `the bridge is stuck on ${topic}[${String(partition)}]: ${String(unread)} records are unread; check that it runs, and read its log`,
    );
};
