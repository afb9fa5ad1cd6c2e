import type { ClickHouseClient } from '@clickhouse/client';
import { Command } from 'commander';
import type { Admin } from 'kafkajs';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { isRead } from '../../shared/sources/check-topics.ts';
import { readSources } from '../../shared/sources/register.ts';
import { lookConfig } from '../settings.ts';
import { withAdmin, withClickHouse } from '../../shared/sources/source-tools.ts';
import { print, printJson } from '../print.ts';
import { formatTable } from '../table.ts';

interface PartitionStatus {
  readonly topic: string;
  readonly epoch: number;
  readonly partition: number;
  readonly state: string;
  readonly closedThrough: string | null;
  readonly accepted: number;
  readonly duplicate: number;
  readonly deadLettered: number;
  readonly control: number;
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
       toString(dead_lettered) AS dead_lettered, toString(control) AS control,
       toString(next_offset) AS next_offset
     FROM checkpoints FINAL`,
  );

const readStatus = async (
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
      const offsets = await admin.fetchTopicOffsets(source.topic);
      return offsets
        .sort((a, b) => a.partition - b.partition)
        .map(({ partition, high }): PartitionStatus => {
          const row = checkpoints.get(
            `${source.topic}/${String(source.epoch)}/${String(partition)}`,
          );
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
            nextOffset: count('next_offset'),
            lag: Number(high) - count('next_offset'),
          };
        });
    }),
  );
  return perSource.flat();
};

export const statusCommand = (): Command =>
  new Command('status')
    .description('how far every partition is: hours closed, records counted, lag')
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const config = lookConfig();
      const partitions = await withClickHouse(config, (client) =>
        withAdmin(config, (admin) => readStatus(client, admin)),
      );
      if (json) {
        printJson({ partitions });
        return;
      }
      print(
        formatTable(
          [
            'SOURCE',
            'PARTITION',
            'STATE',
            'CLOSED THROUGH',
            'ACCEPTED',
            'DUPLICATE',
            'DEAD LETTERS',
            'CONTROL',
            'LAG',
          ],
          partitions.map((row) => [
            row.topic,
            row.partition,
            row.state,
            row.closedThrough,
            row.accepted,
            row.duplicate,
            row.deadLettered,
            row.control,
            row.lag,
          ]),
        ),
      );
    });
