import type { ClickHouseClient } from '@clickhouse/client';
import type { Admin } from 'kafkajs';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { topicOffsets } from '../../shared/kafka/topics.ts';
import { isRead } from '../../shared/sources/check-topics.ts';
import { readSources } from '../../shared/sources/register.ts';

/** How far one partition of a source is. */
export interface PartitionStatus {
  readonly topic: string;
  readonly epoch: number;
  readonly partition: number;
  readonly state: string;
  readonly closedThrough: string | null;
  readonly accepted: number;
  readonly duplicate: number;
  readonly deadLettered: number;
  readonly control: number;
  /** Records that were gone before they were read: `usagectl loss accept`. */
  readonly lost: number;
  readonly nextOffset: number;
  readonly lag: number;
}

const checkpointsOf = (
  client: ClickHouseClient,
): Promise<readonly Readonly<Record<string, string>>[]> =>
  queryRows(
    client,
    `SELECT topic, toString(epoch) AS epoch, toString(partition) AS partition,
       formatDateTime(closed_through, '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS closed_through,
       toString(accepted) AS accepted, toString(duplicate) AS duplicate,
       toString(dead_lettered) AS dead_lettered, toString(control) AS control, toString(lost) AS lost,
       toString(next_offset) AS next_offset
     FROM checkpoints FINAL`,
  );

/** Reads how far every partition is: its checkpoint, and the end of its log. */
export const readPartitions = async (
  client: ClickHouseClient,
  admin: Admin,
): Promise<readonly PartitionStatus[]> => {
  const checkpoints = new Map(
    (await checkpointsOf(client)).map((row) => [
      `${row['topic'] ?? ''}/${row['epoch'] ?? ''}/${row['partition'] ?? ''}`,
      row,
    ]),
  );
  const sources = (await readSources(client)).filter(isRead);
  const perSource = await Promise.all(
    sources.map(async (source) => {
      const offsets = await topicOffsets(admin, source.topic);
      return offsets.map(({ partition, high }): PartitionStatus => {
        const row = checkpoints.get(`${source.topic}/${String(source.epoch)}/${String(partition)}`);
        const count = (column: string): number => Number(row?.[column] ?? 0);
        return {
          topic: source.topic,
          epoch: source.epoch,
          partition,
          state: source.state,
          closedThrough: row?.['closed_through'] ?? null,
          accepted: count('accepted'),
          duplicate: count('duplicate'),
          deadLettered: count('dead_lettered'),
          control: count('control'),
          lost: count('lost'),
          nextOffset: count('next_offset'),
          lag: high - count('next_offset'),
        };
      });
    }),
  );
  return perSource.flat();
};
