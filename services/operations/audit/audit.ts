import type { ClickHouseClient } from '@clickhouse/client';
import { rm } from 'node:fs/promises';
import type { KafkaAdmin } from '../../shared/kafka/admin.ts';
import type { KafkaClient } from '../../shared/kafka/client.ts';
import { LogReader } from '../../shared/kafka/log-reader.ts';
import type { Keyring } from '../../shared/model/control-record.ts';
import { temporaryDirectory } from '../../shared/process/directory.ts';
import { readSources } from '../../shared/sources/register.ts';
import { ledgerFloor } from '../sources/trim-ledger.ts';
import type { AuditedPartition, AuditReport } from './audit-report.ts';
import { AuditRun } from './audit-run.ts';
import { auditTasks, toRead } from './audit-tasks.ts';
import { compareByHand, readByHand } from './compare-adjustments.ts';
import { findStrangers } from './check-register.ts';
import { compareCarries } from './compare-carries.ts';
import { Differences } from './differences.ts';

export interface AuditTools {
  readonly clickHouse: ClickHouseClient;
  readonly kafka: KafkaClient;
  readonly admin: KafkaAdmin;
  readonly keyring: Keyring;
}

export interface AuditOptions {
  /** Audit only this topic; null for all. */
  readonly topic: string | null;
  /** The number of differences to keep for display. */
  readonly limit: number;
  readonly billing: boolean;
  /** Bound on the ids in memory, in bytes. Ids beyond it are kept in files. */
  readonly maxIdBytes: number;
  /** Called with the number of records read and the number to read. */
  readonly onProgress: (read: number, all: number) => void;
}

/**
 * Recounts every source from its log and compares the stored rows one by one. Changes nothing. The
 * aggregator may continue meanwhile: each partition is compared as of the checkpoint that it had when the
 * audit began.
 *
 * @throws UserError if a topic or a key is missing, or the topic is not in the register
 */
export const audit = async (tools: AuditTools, options: AuditOptions): Promise<AuditReport> => {
  const differences = new Differences(options.limit);
  // Before the logs: what is recorded first and sent then is in them.
  const byHand = await readByHand(tools.clickHouse);
  const register = await readSources(tools.clickHouse);
  const tasks = await auditTasks(tools, register, options.topic, differences);
  const topics = tasks.flatMap(({ at, log }) => (log ? [at.topic] : []));
  const reader = await LogReader.open(tools.kafka, tools.admin, [...new Set(topics)]);
  const directory = await temporaryDirectory('The audit', 'usage-audit-');
  const all = tasks.reduce((sum, task) => sum + toRead(task), 0);
  const { clickHouse, admin, keyring } = tools;
  const { billing, maxIdBytes } = options;
  let read = 0;
  try {
    const floor = await ledgerFloor(clickHouse);
    const run = new AuditRun(
      {
        clickHouse,
        admin,
        keyring,
        reader,
        directory,
        maxIdBytes,
        billing,
        floor,
        byHand,
        onRead: (records) => {
          read += records;
          options.onProgress(read, all);
        },
      },
      differences,
    );
    const partitions: AuditedPartition[] = [];
    for (const task of tasks) partitions.push(await run.partition(task));
    const { topic } = options;
    await compareByHand(clickHouse, byHand, register, { floor, topic }, differences);
    if (billing) await compareCarries(clickHouse, register, options.topic, differences);
    await findStrangers(clickHouse, await readSources(clickHouse), options, differences);
    return { partitions, differences: differences.count, first: differences.first };
  } finally {
    await reader.close();
    await rm(directory, { recursive: true, force: true });
  }
};
