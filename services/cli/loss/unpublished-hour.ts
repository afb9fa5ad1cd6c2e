import { queryRows } from '../../shared/clickhouse/client.ts';
import { topicOffsets } from '../../shared/kafka/topics.ts';
import { partitionOfKey } from '../../shared/placement.ts';
import type { SourcePartition } from '../../shared/source.ts';
import { hourOf, millis, nextHour, type Hour } from '../../shared/time.ts';
import { aggregateKey } from '../../shared/usage-aggregate.ts';
import { OF_PARTITION, partitionParams } from '../audit/stored-rows.ts';
import type { LossTools } from './loss-tools.ts';

/**
 * The first hour from one on of which nothing is known outside: an owner that did not get to its
 * checkpoint may have rolled up and published hours that the checkpoint has open. Everything published
 * for an hour bears it as its timestamp.
 */
export const unpublishedHour = async (
  { clickHouse, admin, reader, aggregatesTopic }: LossTools,
  at: SourcePartition,
  hourMillis: number,
  closedThrough: Hour,
): Promise<Hour> => {
  let open = closedThrough;
  const seen = (hour: number): void => {
    if (hour >= open) open = nextHour(hourOf(millis(hour), hourMillis), hourMillis);
  };

  const [row] = await queryRows<{ through: number }>(
    clickHouse,
    `SELECT toUnixTimestamp(max(d.through_hour)) AS through FROM usage_daily AS d
     WHERE ${OF_PARTITION}`,
    partitionParams(at),
  );
  seen((row?.through ?? 0) * 1000);

  const key = aggregateKey(at);
  const logs = await topicOffsets(admin, aggregatesTopic);
  const partition = partitionOfKey(key, logs.length);
  const high = logs[partition]?.high ?? 0;
  const from = await admin.fetchTopicOffsetsByTimestamp(aggregatesTopic, closedThrough);
  const first = Number(from.find((each) => each.partition === partition)?.offset ?? 0);
  await reader.read({ topic: aggregatesTopic, partition }, first, high, (records) => {
    for (const record of records) {
      if (record.key?.toString('utf8') === key) seen(record.timestamp);
    }
    return Promise.resolve();
  });
  return open;
};
