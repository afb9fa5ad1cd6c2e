import type { ClickHouseClient } from '@clickhouse/client';
import type { KafkaAdmin } from '../../shared/kafka/admin.ts';
import type { PublishedSchema } from '../../shared/avro/schema-directory.ts';
import type { Keyring } from '../../shared/model/control-record.ts';
import { UserError } from '../../shared/process/errors.ts';
import {
  newestLife,
  partitionName,
  type Source,
  type SourcePartition,
} from '../../shared/model/source.ts';
import { readSources } from '../../shared/sources/register.ts';
import { isoText, millis } from '../../shared/model/time.ts';
import { firstBeginning, firstCounted, lateBeginning } from '../audit/beginning.ts';
import { readCheckpoints, type StoredCheckpoint } from '../audit/checkpoints.ts';
import type { LogReader } from '../../shared/kafka/log-reader.ts';
import { otherLog } from '../audit/other-log.ts';
import { Recount, type Beginning, type RecountTools } from '../audit/recount.ts';
import { SeenIds } from '../audit/seen-ids.ts';
import type { UsageReader } from '../audit/usage.ts';

/** What recounting a source from its log takes. */
export interface LogTools {
  readonly client: ClickHouseClient;
  readonly admin: KafkaAdmin;
  readonly reader: LogReader;
  readonly keyring: Keyring;
  readonly schemas: readonly PublishedSchema[];
  readonly read: UsageReader;
  /** For ids beyond the bound on memory. */
  readonly directory: string;
}

/** A partition that is to be recounted, from the first record that is left. */
export interface PartitionPlan {
  readonly at: SourcePartition;
  readonly source: Source;
  readonly checkpoint: StoredCheckpoint;
  /** First offset that the log holds, behind lost records. */
  readonly low: number;
  /** The first record that is counted. */
  readonly countedFrom: number;
  readonly beginning: Beginning;
  /** Whether events were accepted before it, which only the ledger knows. */
  readonly hasGivenIds: boolean;
}

const MAX_ID_BYTES = 256 * 1024 * 1024;

export const recountOf = (
  tools: LogTools,
  { at, source, beginning }: PartitionPlan,
): { readonly recount: Recount; readonly seen: SeenIds } => {
  const seen = new SeenIds(tools.directory, MAX_ID_BYTES);
  const { keyring, schemas, read } = tools;
  const recountTools: RecountTools = { place: at, source, keyring, schemas, read, seen };
  return { recount: new Recount(recountTools, beginning), seen };
};

/**
 * Finds out where the log of each partition of a source can be recounted from.
 * @throws UserError where it is not the log that was counted, or the range begins before the first
 * hour of which every record is left
 */
export const planRecount = async (
  tools: LogTools,
  source: Source,
  from: number,
): Promise<readonly PartitionPlan[]> => {
  const { topic, epoch } = source;
  const isPresent = newestLife(await readSources(tools.client), topic)?.epoch === epoch;
  if (!isPresent || !(await tools.admin.topicNames()).has(topic)) {
    throw new UserError(
      `The log of ${topic}, epoch ${String(epoch)}, is gone: without --from-log its windows are held against the ledger`,
    );
  }
  const checkpoints = await readCheckpoints(tools.client);
  const logs = await tools.admin.offsets(topic);
  const plans: PartitionPlan[] = [];
  let firstHour = 0;
  for (const { partition, low, high } of logs) {
    const at = { topic, epoch, partition };
    const checkpoint = checkpoints.get(partitionName(at));
    if (!checkpoint) throw new UserError(`${partitionName(at)} has no checkpoint yet`);
    const plan = await planPartition(tools, at, source, checkpoint, { low, high });
    plans.push(plan);
    firstHour = Math.max(firstHour, await firstWholeHour(tools, plan));
  }
  if (from < firstHour) {
    throw new UserError(
      `The first records of ${topic} have expired: the first hour that can be recounted from its log is ` +
        `${isoText(millis(firstHour))}. Give it as --from, or leave out --from-log for the hours before it`,
    );
  }
  return plans;
};

const planPartition = async (
  tools: LogTools,
  at: SourcePartition,
  source: Source,
  checkpoint: StoredCheckpoint,
  log: { readonly low: number; readonly high: number },
): Promise<PartitionPlan> => {
  const other = await otherLog(tools.reader, at, checkpoint, log);
  if (other !== null) {
    throw new UserError(
      `The log of ${partitionName(at)} is not the one that was counted: ${other}. See docs/operations.md, "A partition has halted"`,
    );
  }
  const low = await firstCounted(tools.client, at, checkpoint, log.low);
  const isLate = low > checkpoint.firstOffset;
  if (isLate && low >= checkpoint.nextOffset) {
    throw new UserError(
      `No record of ${partitionName(at)} that was counted is left in its log: leave out --from-log`,
    );
  }
  const { beginning, countedFrom } = isLate
    ? await lateBeginning(tools, at, source, checkpoint, low)
    : { beginning: firstBeginning(source, low), countedFrom: low };
  const hasGivenIds = isLate || at.epoch > 1;
  return { at, source, checkpoint, low, countedFrom, beginning, hasGivenIds };
};

/** The first hour of which every record is left: the one after the hour of the first that is counted. */
const firstWholeHour = async (tools: LogTools, plan: PartitionPlan): Promise<number> => {
  const { at, checkpoint, low, countedFrom } = plan;
  if (low <= checkpoint.firstOffset) return 0;
  const { recount } = recountOf(tools, plan);
  let begun = plan.beginning.openHour;
  await tools.reader.read(at, low, checkpoint.nextOffset, (records) => {
    for (const record of records) {
      begun = recount.judge(record).reportedHour;
      if (record.offset >= countedFrom) return Promise.resolve('enough');
    }
    return Promise.resolve();
  });
  return begun + plan.source.hourMillis;
};
