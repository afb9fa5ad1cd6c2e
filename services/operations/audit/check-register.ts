import type { ClickHouseClient } from '@clickhouse/client';
import { partitionName, sourceName, type Source } from '../../shared/model/source.ts';
import type { StoredCheckpoint } from './checkpoints.ts';
import type { Differences } from './differences.ts';
import { storedRows } from './stored-rows.ts';

const TABLES = ['checkpoints', 'usage_events', 'usage_hourly', 'usage_daily', 'dead_letters'];
const BILLING_TABLES = [
  'compositions',
  'commerce_submissions',
  'unbilled_usage',
  'commerce_outcomes',
];

/** Finds rows of partitions that no source has. */
export const findStrangers = async (
  client: ClickHouseClient,
  register: readonly Source[],
  { topic: wanted, billing }: { readonly topic: string | null; readonly billing: boolean },
  differences: Differences,
): Promise<void> => {
  const known = new Map(register.map((source) => [sourceName(source), source]));
  for (const table of [...TABLES, ...(billing ? BILLING_TABLES : [])]) {
    const rows = storedRows(client, `SELECT DISTINCT topic, epoch, partition FROM ${table}`, {});
    for await (const [topic, epoch, partition] of rows) {
      const at = { topic: String(topic), epoch: Number(epoch), partition: Number(partition) };
      if (wanted !== null && at.topic !== wanted) continue;
      const source = known.get(sourceName(at));
      if (source && at.partition < source.partitions) continue;
      differences.add(at, 'register', table, 'has rows of a partition that no source has');
    }
  }
};

/**
 * The register is trusted, except where it contradicts the log: in the number of partitions, and in an
 * `end` record, after which a run counts and cannot be abandoned.
 */
export const checkRegister = (
  source: Source,
  checkpoints: ReadonlyMap<string, StoredCheckpoint>,
  topicPartitions: number | null,
  differences: Differences,
): void => {
  const at = { topic: source.topic, epoch: source.epoch, partition: 0 };
  const differ = (problem: string): void =>
    differences.add(at, 'register', sourceName(source), problem);
  if (topicPartitions !== null && topicPartitions !== source.partitions) {
    differ(`partitions is ${String(source.partitions)}, the topic has ${String(topicPartitions)}`);
  }
  if (source.state !== 'declared' && source.state !== 'abandoned') return;
  for (let partition = 0; partition < source.partitions; partition++) {
    const checkpoint = checkpoints.get(partitionName({ ...at, partition }));
    if (!checkpoint?.sealed) continue;
    differ(`state is ${source.state}, and partition ${String(partition)} is sealed`);
  }
};
