import type { ClickHouseClient } from '@clickhouse/client';
import { rm } from 'node:fs/promises';
import type { KafkaAdmin } from '../../shared/kafka/admin.ts';
import type { KafkaClient } from '../../shared/kafka/client.ts';
import { readSchemaDirectory } from '../../shared/avro/schema-directory.ts';
import type { Keyring } from '../../shared/model/control-record.ts';
import { temporaryDirectory } from '../../shared/process/directory.ts';
import { UserError } from '../../shared/process/errors.ts';
import { partitionName, type Source, type SourcePartition } from '../../shared/model/source.ts';
import { readSources } from '../../shared/sources/register.ts';
import { ledgerFloor } from '../sources/trim-ledger.ts';
import { firstBeginning, firstCounted, lateBeginning, type LateBeginning } from './beginning.ts';
import {
  checkConservation,
  compareCheckpoint,
  readCheckpoints,
  type StoredCheckpoint,
} from './checkpoints.ts';
import { BillingComparison, type BillingCounts } from './compare-billing.ts';
import { checkRegister, findStrangers } from './check-register.ts';
import { compareCarries } from './compare-carries.ts';
import { compareTotals } from './compare-totals.ts';
import { countBefore, type WindowComparison } from './compare-windows.ts';
import { Differences, type Difference } from './differences.ts';
import { LogReader, UnreadableLog } from '../../shared/kafka/log-reader.ts';
import { otherLog } from './other-log.ts';
import { PartitionAudit, type Totals } from './partition-audit.ts';
import { Recount } from './recount.ts';
import { recordedGenerations } from './row-order.ts';
import { SeenIds } from './seen-ids.ts';
import { findBeyondLog, findWithoutCheckpoint } from './stored-beyond.ts';
import { usageReader, type UsageReader } from './usage.ts';

export interface AuditTools {
  readonly clickHouse: ClickHouseClient;
  readonly kafka: KafkaClient;
  readonly admin: KafkaAdmin;
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
 * - `unreadable`: what was counted cannot be read any more
 * - `not begun`: the aggregator has not stored anything of it
 */
export type PartitionState =
  'whole' | 'partly' | 'expired' | 'gone' | 'another log' | 'unreadable' | 'not begun';

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
  const tasks = await tasksOf(tools, register, options.topic, differences);
  const topics = tasks.flatMap(({ at, log }) => (log ? [at.topic] : []));
  const reader = await LogReader.open(tools.kafka, tools.admin, [...new Set(topics)]);
  const directory = await temporaryDirectory('The audit', 'usage-audit-');
  const all = tasks.reduce((sum, task) => sum + toRead(task), 0);
  let read = 0;
  try {
    const run = new AuditRun(tools, options, differences, {
      reader,
      directory,
      trimmedBefore: await ledgerFloor(tools.clickHouse),
      onRead: (records) => {
        read += records;
        options.onProgress(read, all);
      },
    });
    const partitions: AuditedPartition[] = [];
    for (const task of tasks) partitions.push(await run.partition(task));
    const { clickHouse } = tools;
    if (options.billing) {
      await compareCarries(clickHouse, register, options.topic, differences);
    }
    await findStrangers(clickHouse, await readSources(clickHouse), options, differences);
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
  wanted: string | null,
  differences: Differences,
): Promise<readonly Task[]> => {
  const sources = chosen(register, wanted);
  // Before the logs: what is folded meanwhile lies behind these checkpoints.
  const checkpoints = await readCheckpoints(clickHouse);
  const topics = await admin.topicNames();
  // A later life that is only declared may have its topic already.
  const newest = new Map<string, number>();
  for (const { topic, epoch } of register) {
    newest.set(topic, Math.max(newest.get(topic) ?? 0, epoch));
  }
  for (const source of register) {
    if (counts(source) || (wanted !== null && source.topic !== wanted)) continue;
    checkRegister(source, checkpoints, null, differences);
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

const toRead = ({ checkpoint, log }: Task): number =>
  checkpoint && log ? Math.max(0, Math.min(checkpoint.nextOffset, log.high) - log.low) : 0;

const NOTHING: Totals = { records: 0, ledger: 0, deadLetters: 0, hourly: 0, daily: 0, ahead: 0 };

interface RunTools {
  readonly reader: LogReader;
  /** For temporary files. */
  readonly directory: string;
  /** Usage that started before it may be gone from the ledger; 0 where it was never trimmed. */
  readonly trimmedBefore: number;
  readonly onRead: (records: number) => void;
}

class AuditRun {
  private readonly tools: AuditTools & RunTools;
  private readonly options: AuditOptions;
  private readonly differences: Differences;
  private readonly schemas = readSchemaDirectory();
  private readonly read: UsageReader = usageReader(this.schemas);

  constructor(
    tools: AuditTools,
    options: AuditOptions,
    differences: Differences,
    runTools: RunTools,
  ) {
    this.tools = { ...tools, ...runTools };
    this.options = options;
    this.differences = differences;
  }

  async partition(task: Task): Promise<AuditedPartition> {
    const { at, checkpoint, log } = task;
    const { reader } = this.tools;
    const next = checkpoint?.nextOffset ?? 0;
    let audited: AuditedPartition | null = null;
    try {
      audited = await this.audited(task);
      // Counting stands still in front of what cannot be read, however right it is up to there.
      if (log && next >= log.low)
        await reader.read(at, next, log.high, () => Promise.resolve('enough'));
    } catch (error) {
      if (!(error instanceof UnreadableLog)) throw error;
      this.differences.add(at, 'log', 'log', error.message, error.batch.from);
      audited ??= await this.withoutRecount(task, 'unreadable');
    }
    return { ...audited, differences: this.differences.of(at) };
  }

  private async audited(task: Task): Promise<AuditedPartition> {
    const { checkpoint, log, at } = task;
    const { clickHouse, trimmedBefore } = this.tools;
    if (checkpoint === null) {
      await findWithoutCheckpoint(clickHouse, at, partitionName(at), this.differences);
      return this.withoutRecount(task, 'not begun');
    }
    const other = log && (await otherLog(this.tools.reader, at, checkpoint, log));
    await checkConservation(
      clickHouse,
      checkpoint,
      trimmedBefore,
      // How far the log went that was counted is not known where another one stands there.
      other === null ? this.logEndOf(task) : () => Promise.resolve(Infinity),
      this.differences,
    );
    if (log === null) return this.withoutRecount(task, 'gone');
    if (other !== null) {
      this.differences.add(at, 'log', 'log', other, checkpoint.lastRecord);
      return this.withoutRecount(task, 'another log');
    }
    const low = await firstCounted(this.tools.clickHouse, at, checkpoint, log.low);
    const isLate = low > checkpoint.firstOffset;
    if (isLate && low >= checkpoint.nextOffset) return this.withoutRecount(task, 'expired');
    return this.recounted(task, checkpoint, { ...log, low }, isLate);
  }

  /** Where the log of a partition ends now; it ends at the checkpoint where it is gone. */
  private logEndOf({ at, checkpoint, log }: Task): () => Promise<number> {
    const { admin } = this.tools;
    return log === null
      ? () => Promise.resolve(checkpoint?.nextOffset ?? 0)
      : async () => (await admin.offsets(at.topic))[at.partition]?.high ?? 0;
  }

  private async windowsOf(task: Task): Promise<WindowComparison> {
    const { at, source, checkpoint } = task;
    const { clickHouse: client } = this.tools;
    return {
      client,
      at,
      source,
      differences: this.differences,
      nextOffset: checkpoint?.nextOffset ?? 0,
      closedThrough: checkpoint?.closedThrough ?? 0,
      logEnd: this.logEndOf(task),
      generations: await recordedGenerations(client, at),
    };
  }

  private async recounted(
    task: Task,
    checkpoint: StoredCheckpoint,
    log: { readonly low: number; readonly high: number },
    isLate: boolean,
  ): Promise<AuditedPartition> {
    const { at, source } = task;
    const { clickHouse: client, keyring } = this.tools;
    const { nextOffset } = checkpoint;
    const { beginning, countedFrom }: LateBeginning = isLate
      ? await lateBeginning(
          { client, reader: this.tools.reader, keyring },
          at,
          source,
          checkpoint,
          log.low,
        )
      : { beginning: firstBeginning(source, log.low), countedFrom: log.low };
    const windows = await this.windowsOf(task);
    const billing = this.options.billing
      ? await BillingComparison.open(client, at, source, this.differences)
      : null;
    const seen = new SeenIds(this.tools.directory, this.options.maxIdBytes);
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
      { trimmedBefore: this.tools.trimmedBefore, billing },
    );
    let given = log.low;
    await this.tools.reader.read(at, log.low, nextOffset, async (records, next) => {
      await partition.take(records, next);
      this.tools.onRead(next - given);
      given = next;
    });
    await partition.end(nextOffset);
    await findBeyondLog(client, at, nextOffset, windows.logEnd, this.differences);
    await billing?.compareOthers();
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
    if (hour === 0) return { hourly: 0, daily: 0 };
    await compareTotals(windows, { hour, day }, this.tools.trimmedBefore);
    return {
      hourly: await countBefore(windows, 'hourly', hour),
      daily: await countBefore(windows, 'daily', day),
    };
  }

  private async withoutRecount(task: Task, state: PartitionState): Promise<AuditedPartition> {
    const { at, checkpoint, log } = task;
    const windows = await this.windowsOf(task);
    if (state === 'gone' || state === 'expired') {
      await findBeyondLog(
        this.tools.clickHouse,
        at,
        windows.nextOffset,
        windows.logEnd,
        this.differences,
      );
    }
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
