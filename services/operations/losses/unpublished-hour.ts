import { CONTROL_HEADER, controlKeyId, isSignedFor } from '../../shared/model/control-record.ts';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { partitionOfKey } from '../../shared/model/placement.ts';
import type { SourcePartition } from '../../shared/model/source.ts';
import { hourOf, millis, nextHour, type Hour } from '../../shared/model/time.ts';
import type { LogRecord } from '../../shared/model/log-record.ts';
import { aggregateKey, parseClosedMarker } from '../../shared/model/usage-aggregate.ts';
import { OF_PARTITION, partitionParams } from '../../shared/clickhouse/of-partition.ts';
import type { LossTools } from './loss-tools.ts';

/**
 * The first hour, from a given hour on, that has not been published or rolled up. An owner that did not
 * reach its next checkpoint may have published hours that are open in the checkpoint. Only aggregates that
 * are signed for the source partition come from an owner: anybody can write timestamps and keys.
 */
export const unpublishedHour = async (
  tools: LossTools,
  at: SourcePartition,
  hourMillis: number,
  openHour: Hour,
): Promise<Hour> => {
  const { clickHouse, admin, reader, aggregatesTopic } = tools;
  let open = openHour;
  const seen = (hour: number): void => {
    if (hour >= open) open = nextHour(hourOf(millis(hour), hourMillis), hourMillis);
  };

  const [row] = await queryRows<{ through: number }>(
    clickHouse,
    `SELECT toUnixTimestamp(max(d.last_hour)) AS through FROM usage_daily AS d
     WHERE ${OF_PARTITION}`,
    partitionParams(at),
  );
  seen((row?.through ?? 0) * 1000);

  const key = aggregateKey(at);
  const logs = await admin.offsets(aggregatesTopic);
  const partition = partitionOfKey(key, logs.length);
  const high = logs[partition]?.high ?? 0;
  const from = await admin.offsetsSince(aggregatesTopic, openHour);
  const first = from.get(partition) ?? 0;
  await reader.read({ topic: aggregatesTopic, partition }, first, high, (records) => {
    for (const record of records) {
      if (record.key?.toString('utf8') !== key) continue;
      const hour = publishedHour(tools, at, record);
      if (hour !== null) seen(hour);
    }
    return Promise.resolve();
  });
  return open;
};

/** The hour for which an owner of the source partition published a record; null if no owner did. */
const publishedHour = (
  { keyring, decode }: LossTools,
  at: SourcePartition,
  { headers, value }: LogRecord,
): Hour | null => {
  const id = controlKeyId(headers);
  const key = keyring.find((candidate) => candidate.id === id);
  if (value === null || !key || !isSignedFor(at, headers, value, key)) return null;
  const kind = headers[CONTROL_HEADER];
  if (kind === undefined) return decode(value)?.reportedHour ?? null;
  return kind === 'closed'
    ? (parseClosedMarker(value.toString('utf8'))?.reportedHour ?? null)
    : null;
};
