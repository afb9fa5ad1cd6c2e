import type { ClickHouseClient } from '@clickhouse/client';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Admin, Kafka } from 'kafkajs';
import { readSchemaDirectory } from '../../shared/avro/schema-directory.ts';
import type { Keyring } from '../../shared/control-record.ts';
import { UserError } from '../../shared/errors.ts';
import { topicOffsets } from '../../shared/kafka/topics.ts';
import { partitionName, type Source, type SourcePartition } from '../../shared/source.ts';
import { readSources } from '../../shared/sources/register.ts';
import { firstBeginning, lateBeginning, type LateBeginning } from './beginning.ts';
import {
  checkConservation,
  compareCheckpoint,
  readCheckpoints,
  type StoredCheckpoint,
} from './checkpoints.ts';
import { BillingComparison, type BillingCounts } from './compare-billing.ts';
import { countBefore, type WindowComparison } from './compare-windows.ts';
import { Differences, type Difference } from './differences.ts';
import { LogReader } from './log-reader.ts';
import { otherLog } from './other-log.ts';
import { PartitionAudit, type Totals } from './partition-audit.ts';
import { Recount } from './recount.ts';
import { SeenIds } from './seen-ids.ts';
import { storedRows } from './stored-rows.ts';
import { usageReader, type UsageReader } from './usage.ts';

export interface AuditTools {
  readonly clickHouse: ClickHouseClient;
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly keyring: Keyring;
}

export interface AuditOptions {
  /** One topic alone; null for all. */
  readonly topic: string | null;
  /** How many differences are kept to be shown. */
  readonly limit: number;
  readonly billing: boolean;
  /** Bound on the ids in memory, in bytes; those beyond it wait in files. */
  readonly maxIdBytes: number;
  /** Called with the number of records read, and of those to be read. */
  readonly onProgress: (read: number, all: number) => void;
}

/**
 * - `whole`: recounted from its first record
 * - `partly`: the first records have expired, what came after them is recounted
 * - `expired`: none of the records that were counted is left
 * - `gone`: an earlier life of a topic, whose log was deleted
 * - `another log`: what stands there is not what was counted
 * - `not begun`: the aggregator has not stored anything of it
 */
export type PartitionState = 'whole' | 'partly' | 'expired' | 'gone' | 'another log' | 'not begun';

export interface AuditedPartition extends SourcePartition, Totals {
  readonly state: PartitionState;
  /** Offsets that were recounted: from the first on and before the end. */
  readonly from: number;
  readonly end: number;
  /** Records in the log beyond the checkpoint: not folded yet. */
  readonly lag: number;
  readonly accepted: number;
  readonly duplicate: number;
  readonly deadLettered: number;
  readonly control: number;
  /** Rows of hours and days that had begun before the first record that is left. */
  readonly notRecountable: { readonly hourly: number; readonly daily: number };
  readonly billing: BillingCounts;
  readonly differences: number;
}

export interface AuditReport {
  readonly partitions: readonly AuditedPartition[];
  readonly differences: number;
  /** The first ones. */
  readonly first: readonly Difference[];
}

/** A partition that is to be audited, with what was known of it when the audit began. */
interface Task {
  readonly at: SourcePartition;
  readonly source: Source;
  readonly checkpoint: StoredCheckpoint | null;
  /** Null where the log of that life is gone. */
  readonly log: { readonly low: number; readonly high: number } | null;
}

/**
 * Recounts every source from its log, and compares what is stored, row by row. Nothing is changed. The
 * aggregator may go on meanwhile: each partition is compared as of the checkpoint that it had when the
 * audit began.
 *
 * @throws UserError where a topic or a key is missing, or the topic is none of the register
 */
export const audit = async (tools: AuditTools, options: AuditOptions): Promise<AuditReport> => {
  const differences = new Differences(options.limit);
  const register = await readSources(tools.clickHouse);
  const tasks = await tasksOf(tools, register, chosen(register, options.topic));
  const topics = tasks.flatMap(({ at, log }) => (log ? [at.topic] : []));
  const reader = await LogReader.open(tools.kafka, tools.admin, [...new Set(topics)]);
  const directory = await mkdtemp(join(tmpdir(), 'usage-audit-'));
  const all = tasks.reduce((sum, task) => sum + toRead(task), 0);
  let read = 0;
  try {
    const run = new AuditRun(tools, options, differences, reader, directory, (records) => {
      read += records;
      options.onProgress(read, all);
    });
    const partitions: AuditedPartition[] = [];
    for (const task of tasks) partitions.push(await run.partition(task));
    await findStrangers(
      tools.clickHouse,
      await readSources(tools.clickHouse),
      options,
      differences,
    );
    return { partitions, differences: differences.count, first: differences.first };
  } finally {
    await reader.close();
    await rm(directory, { recursive: true, force: true });
  }
};

const counts = ({ state }: Source): boolean =>
  state === 'open' || state === 'written' || state === 'sealed';

/** The sources whose usage counts: all of them, or those of one topic. */
const chosen = (register: readonly Source[], topic: string | null): readonly Source[] => {
  const sources = register.filter(counts);
  if (topic === null) return sources;
  const wanted = sources.filter((source) => source.topic === topic);
  if (wanted.length > 0) return wanted;
  throw new UserError(`There is no source "${topic}": see "usagectl sources list"`);
};

const tasksOf = async (
  { admin, clickHouse }: AuditTools,
  register: readonly Source[],
  sources: readonly Source[],
): Promise<readonly Task[]> => {
  // Before the logs: what is folded meanwhile lies behind these checkpoints.
  const checkpoints = await readCheckpoints(clickHouse);
  const topics = new Set(await admin.listTopics());
  // A later life that is only declared may have its topic already.
  const newest = new Map<string, number>();
  for (const { topic, epoch } of register) {
    newest.set(topic, Math.max(newest.get(topic) ?? 0, epoch));
  }
  const tasks: Task[] = [];
  for (const source of sources) {
    const { topic, epoch, partitions, kind, state } = source;
    const isGone = epoch !== newest.get(topic) || (state === 'sealed' && !topics.has(topic));
    if (!isGone && !topics.has(topic)) {
      throw new UserError(
        `Kafka has no topic ${topic}, which the register of sources has as ${kind} and ${state}: restore it, or audit the others with --source`,
      );
    }
    const logs = isGone ? null : await topicOffsets(admin, topic);
    for (let partition = 0; partition < partitions; partition++) {
      const at = { topic, epoch, partition };
      const checkpoint = checkpoints.get(partitionName(at)) ?? null;
      tasks.push({ at, source, checkpoint, log: logs?.[partition] ?? null });
    }
  }
  return tasks;
};

const toRead = ({ checkpoint, log }: Task): number =>
  checkpoint && log ? Math.max(0, Math.min(checkpoint.nextOffset, log.high) - log.low) : 0;

const NOTHING: Totals = { records: 0, ledger: 0, deadLetters: 0, hourly: 0, daily: 0, ahead: 0 };

class AuditRun {
  private readonly tools: AuditTools;
  private readonly options: AuditOptions;
  private readonly differences: Differences;
  private readonly reader: LogReader;
  private readonly directory: string;
  private readonly onRead: (records: number) => void;
  private readonly schemas = readSchemaDirectory();
  private readonly read: UsageReader = usageReader(this.schemas);

  constructor(
    tools: AuditTools,
    options: AuditOptions,
    differences: Differences,
    reader: LogReader,
    directory: string,
    onRead: (records: number) => void,
  ) {
    this.tools = tools;
    this.options = options;
    this.differences = differences;
    this.reader = reader;
    this.directory = directory;
    this.onRead = onRead;
  }

  async partition(task: Task): Promise<AuditedPartition> {
    const { checkpoint, log, at } = task;
    if (checkpoint === null) return this.withoutRecount(task, 'not begun');
    await checkConservation(this.tools.clickHouse, checkpoint, this.differences);
    if (log === null) return this.withoutRecount(task, 'gone');
    const other = await otherLog(this.reader, at, checkpoint, log);
    if (other !== null) {
      this.differences.add(at, 'log', 'log', other, checkpoint.lastRecord);
      return this.withoutRecount(task, 'another log');
    }
    const isLate = log.low > checkpoint.firstOffset;
    if (isLate && log.low >= checkpoint.nextOffset) return this.withoutRecount(task, 'expired');
    return this.recounted(task, checkpoint, log, isLate);
  }

  private async recounted(
    { at, source }: Task,
    checkpoint: StoredCheckpoint,
    log: { readonly low: number; readonly high: number },
    isLate: boolean,
  ): Promise<AuditedPartition> {
    const { clickHouse: client, keyring } = this.tools;
    const { nextOffset, closedThrough } = checkpoint;
    const { beginning, countedFrom }: LateBeginning = isLate
      ? await lateBeginning(
          { client, reader: this.reader, keyring },
          at,
          source,
          checkpoint,
          log.low,
        )
      : { beginning: firstBeginning(source, log.low), countedFrom: log.low };
    const windows: WindowComparison = {
      client,
      at,
      source,
      differences: this.differences,
      nextOffset,
      closedThrough,
    };
    const billing = this.options.billing
      ? await BillingComparison.open(client, at, source, this.differences)
      : null;
    const seen = new SeenIds(this.directory, this.options.maxIdBytes);
    const recount = new Recount(
      { place: at, source, keyring, schemas: this.schemas, read: this.read, seen },
      beginning,
    );
    const partition = new PartitionAudit(
      windows,
      recount,
      seen,
      {
        offset: countedFrom,
        whole: !isLate,
        hasGivenIds: isLate || at.epoch > 1,
      },
      { trimmedBefore: checkpoint.floor, billing },
    );
    let given = log.low;
    await this.reader.read(at, log.low, nextOffset, async (records, next) => {
      await partition.take(records, next);
      this.onRead(next - given);
      given = next;
    });
    await partition.end(nextOffset);
    compareCheckpoint(
      checkpoint,
      recount,
      { low: log.low, last: partition.last, whole: !isLate },
      this.differences,
    );
    const { accepted, duplicate, deadLettered, control } = recount.counts;
    return {
      ...at,
      ...partition.totals,
      state: isLate ? 'partly' : 'whole',
      from: countedFrom,
      end: nextOffset,
      lag: Math.max(0, log.high - nextOffset),
      accepted,
      duplicate,
      deadLettered,
      control,
      notRecountable: await this.notRecountable(windows, partition.leftOut),
      billing: billing?.counts ?? { composed: 0, waiting: 0, submissions: 0 },
      differences: this.differences.of(at),
    };
  }

  private async notRecountable(
    windows: WindowComparison,
    { hour, day }: { readonly hour: number; readonly day: number },
  ): Promise<AuditedPartition['notRecountable']> {
    return {
      hourly: hour === 0 ? 0 : await countBefore(windows, 'hourly', hour),
      daily: day === 0 ? 0 : await countBefore(windows, 'daily', day),
    };
  }

  private async withoutRecount(
    { at, source, checkpoint, log }: Task,
    state: PartitionState,
  ): Promise<AuditedPartition> {
    const windows: WindowComparison = {
      client: this.tools.clickHouse,
      at,
      source,
      differences: this.differences,
      nextOffset: checkpoint?.nextOffset ?? 0,
      closedThrough: checkpoint?.closedThrough ?? 0,
    };
    const end = checkpoint?.nextOffset ?? 0;
    return {
      ...at,
      ...NOTHING,
      state,
      from: end,
      end,
      lag: log ? Math.max(0, log.high - end) : 0,
      accepted: 0,
      duplicate: 0,
      deadLettered: 0,
      control: 0,
      notRecountable: await this.notRecountable(windows, { hour: Infinity, day: Infinity }),
      billing: { composed: 0, waiting: 0, submissions: 0 },
      differences: this.differences.of(at),
    };
  }
}

const TABLES = ['checkpoints', 'usage_events', 'usage_hourly', 'usage_daily', 'dead_letters'];

/** Rows of partitions that no source has. */
const findStrangers = async (
  client: ClickHouseClient,
  register: readonly Source[],
  { topic: wanted }: AuditOptions,
  differences: Differences,
): Promise<void> => {
  const known = new Map(
    register.map((source) => [`${source.topic}/${String(source.epoch)}`, source]),
  );
  for (const table of TABLES) {
    const rows = storedRows(client, `SELECT DISTINCT topic, epoch, partition FROM ${table}`, {});
    for await (const [topic, epoch, partition] of rows) {
      const at = { topic: String(topic), epoch: Number(epoch), partition: Number(partition) };
      if (wanted !== null && at.topic !== wanted) continue;
      const source = known.get(`${at.topic}/${String(at.epoch)}`);
      if (source && at.partition < source.partitions) continue;
      differences.add(at, 'register', table, 'has rows of a partition that no source has');
    }
  }
};
