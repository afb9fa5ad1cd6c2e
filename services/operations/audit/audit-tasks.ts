import type { ClickHouseClient } from '@clickhouse/client';
import type { KafkaAdmin } from '../../shared/kafka/admin.ts';
import { partitionName, type Source, type SourcePartition } from '../../shared/model/source.ts';
import { UserError } from '../../shared/process/errors.ts';
import { checkRegister } from './check-register.ts';
import { readCheckpoints, type StoredCheckpoint } from './checkpoints.ts';
import type { Differences } from './differences.ts';

/** A partition to audit, with what was known about it when the audit began. */
export interface AuditTask {
  readonly at: SourcePartition;
  readonly source: Source;
  readonly checkpoint: StoredCheckpoint | null;
  /** Null if the log of that epoch is gone. */
  readonly log: { readonly low: number; readonly high: number } | null;
}

const counts = ({ state }: Source): boolean =>
  state === 'open' || state === 'written' || state === 'sealed';

/** The sources whose usage counts: all, or those of one topic. */
const chosen = (register: readonly Source[], topic: string | null): readonly Source[] => {
  const sources = register.filter(counts);
  if (topic === null) return sources;
  const wanted = sources.filter((source) => source.topic === topic);
  if (wanted.length > 0) return wanted;
  throw new UserError(`There is no source "${topic}": see "usagectl sources list"`);
};

/**
 * The partitions to audit. Also checks what the register says about their sources.
 * @throws UserError if the topic is not in the register, or Kafka does not have it
 */
export const auditTasks = async (
  { admin, clickHouse }: { readonly admin: KafkaAdmin; readonly clickHouse: ClickHouseClient },
  register: readonly Source[],
  wanted: string | null,
  differences: Differences,
): Promise<readonly AuditTask[]> => {
  const sources = chosen(register, wanted);
  // Read before the logs, so that records folded meanwhile lie after these checkpoints.
  const checkpoints = await readCheckpoints(clickHouse);
  const topics = await admin.topicNames();
  // A later epoch may already have its topic although it is only declared.
  const newest = new Map<string, number>();
  for (const { topic, epoch } of register) {
    newest.set(topic, Math.max(newest.get(topic) ?? 0, epoch));
  }
  for (const source of register) {
    if (counts(source) || (wanted !== null && source.topic !== wanted)) continue;
    checkRegister(source, checkpoints, null, differences);
  }
  const tasks: AuditTask[] = [];
  for (const source of sources) {
    const { topic, epoch, partitions, kind, state } = source;
    const isGone = epoch !== newest.get(topic) || (state === 'sealed' && !topics.has(topic));
    if (!isGone && !topics.has(topic)) {
      throw new UserError(
        `Kafka has no topic ${topic}, but the register of sources lists it (${kind}, ${state}): restore it, or audit the others with --source`,
      );
    }
    const logs = isGone ? null : await admin.offsets(topic);
    checkRegister(source, checkpoints, logs?.length ?? null, differences);
    for (let partition = 0; partition < partitions; partition++) {
      const at = { topic, epoch, partition };
      const checkpoint = checkpoints.get(partitionName(at)) ?? null;
      tasks.push({ at, source, checkpoint, log: logs?.[partition] ?? null });
    }
  }
  return tasks;
};

/** The number of a partition's records to read. */
export const toRead = ({ checkpoint, log }: AuditTask): number =>
  checkpoint && log ? Math.max(0, Math.min(checkpoint.nextOffset, log.high) - log.low) : 0;
