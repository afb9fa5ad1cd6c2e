import type { ClickHouseClient } from '@clickhouse/client';
import { readSchemaDirectory } from '../../shared/avro/schema-directory.ts';
import type { KafkaAdmin } from '../../shared/kafka/admin.ts';
import { UnreadableLog, type LogReader } from '../../shared/kafka/log-reader.ts';
import type { Keyring } from '../../shared/model/control-record.ts';
import { partitionName } from '../../shared/model/source.ts';
import type { AuditedPartition, PartitionState } from './audit-report.ts';
import type { AuditTask } from './audit-tasks.ts';
import { firstBeginning, firstCounted, lateBeginning, type LateBeginning } from './beginning.ts';
import { checkConservation, compareCheckpoint, type StoredCheckpoint } from './checkpoints.ts';
import type { ByHand } from './compare-adjustments.ts';
import { BillingComparison } from './compare-billing.ts';
import { compareTotals } from './compare-totals.ts';
import type { WindowComparison } from './compare-windows.ts';
import type { Differences } from './differences.ts';
import { otherLog } from './other-log.ts';
import { PartitionAudit, type Totals } from './partition-audit.ts';
import { Recount } from './recount.ts';
import { recordedGenerations } from './row-order.ts';
import { SeenIds } from './seen-ids.ts';
import { findBeyondLog, findWithoutCheckpoint } from './stored-beyond.ts';
import { usageReader, type UsageReader } from './usage.ts';
import { countBefore } from './window-rows.ts';

const NOTHING: Totals = { records: 0, ledger: 0, deadLetters: 0, hourly: 0, daily: 0, ahead: 0 };

export interface RunTools {
  readonly clickHouse: ClickHouseClient;
  readonly admin: KafkaAdmin;
  readonly keyring: Keyring;
  readonly reader: LogReader;
  /** For temporary files. */
  readonly directory: string;
  /** Bound on the ids in memory, in bytes. */
  readonly maxIdBytes: number;
  readonly billing: boolean;
  /** Usage that started before this may be gone from the ledger; 0 if the ledger was never trimmed. */
  readonly floor: number;
  /** The adjustments that people recorded. */
  readonly byHand: ByHand;
  readonly onRead: (records: number) => void;
}

/** What is left of a partition's log after lost records. */
interface LogLeft {
  readonly low: number;
  readonly high: number;
  /** Whether counted records are gone. */
  readonly isLate: boolean;
}

/** Audits partitions one after the other. */
export class AuditRun {
  private readonly tools: RunTools;
  private readonly differences: Differences;
  private readonly schemas = readSchemaDirectory();
  private readonly read: UsageReader = usageReader(this.schemas);

  constructor(tools: RunTools, differences: Differences) {
    this.tools = tools;
    this.differences = differences;
  }

  async partition(task: AuditTask): Promise<AuditedPartition> {
    const { at, checkpoint, log } = task;
    const { reader } = this.tools;
    const next = checkpoint?.nextOffset ?? 0;
    let audited: AuditedPartition | null = null;
    try {
      audited = await this.audited(task);
      // Counting has stopped before the unreadable batch, even if everything is right up to there.
      if (log && next >= log.low)
        await reader.read(at, next, log.high, () => Promise.resolve('enough'));
    } catch (error) {
      if (!(error instanceof UnreadableLog)) throw error;
      this.differences.add(at, 'log', 'log', error.message, error.batch.from);
      audited ??= await this.withoutRecount(task, 'unreadable');
    }
    return { ...audited, differences: this.differences.of(at) };
  }

  private async audited(task: AuditTask): Promise<AuditedPartition> {
    const { checkpoint, log, at } = task;
    const { clickHouse, floor } = this.tools;
    if (checkpoint === null) {
      await findWithoutCheckpoint(clickHouse, at, partitionName(at), this.differences);
      return this.withoutRecount(task, 'not begun');
    }
    const other = log && (await otherLog(this.tools.reader, at, checkpoint, log));
    await checkConservation(
      clickHouse,
      checkpoint,
      floor,
      // If another log has taken its place, it is unknown how far the counted log went.
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
    return this.recounted(task, checkpoint, { low, high: log.high, isLate });
  }

  /** Where the log of a partition ends now. A log that is gone ends at the checkpoint. */
  private logEndOf({ at, checkpoint, log }: AuditTask): () => Promise<number> {
    const { admin } = this.tools;
    return log === null
      ? () => Promise.resolve(checkpoint?.nextOffset ?? 0)
      : async () => (await admin.offsets(at.topic))[at.partition]?.high ?? 0;
  }

  private async windowComparison(task: AuditTask): Promise<WindowComparison> {
    const { at, source, checkpoint } = task;
    const { clickHouse: client } = this.tools;
    return {
      client,
      at,
      source,
      differences: this.differences,
      nextOffset: checkpoint?.nextOffset ?? 0,
      openHour: checkpoint?.openHour ?? 0,
      logEnd: this.logEndOf(task),
      generations: await recordedGenerations(client, at),
    };
  }

  private async recounted(
    task: AuditTask,
    checkpoint: StoredCheckpoint,
    log: LogLeft,
  ): Promise<AuditedPartition> {
    const { at, source } = task;
    const { clickHouse, keyring, directory, maxIdBytes, floor, byHand } = this.tools;
    const { nextOffset } = checkpoint;
    const { beginning, countedFrom } = await this.beginningOf(task, checkpoint, log);
    const windows = await this.windowComparison(task);
    const billing = this.tools.billing
      ? await BillingComparison.open(clickHouse, at, source, this.differences)
      : null;
    const seen = new SeenIds(directory, maxIdBytes);
    const recount = new Recount(
      { place: at, source, keyring, schemas: this.schemas, read: this.read, seen },
      beginning,
    );
    const whole = !log.isLate;
    const start = { offset: countedFrom, whole, hasGivenIds: log.isLate || at.epoch > 1 };
    const options = { floor, billing, byHand };
    const partition = new PartitionAudit(windows, recount, seen, start, options);
    await this.readLog(task, log.low, nextOffset, partition);
    await findBeyondLog(clickHouse, at, nextOffset, windows.logEnd, this.differences);
    await billing?.compareOthers();
    const counted = { low: log.low, last: partition.last, whole };
    compareCheckpoint(checkpoint, recount, counted, this.differences);
    return {
      ...at,
      ...partition.totals,
      state: whole ? 'whole' : 'partly',
      from: countedFrom,
      end: nextOffset,
      lag: Math.max(0, log.high - nextOffset),
      ...recount.counts,
      notRecountable: await this.notRecountable(windows, partition.leftOut),
      billing: billing?.counts ?? { composed: 0, waiting: 0, submissions: 0 },
      differences: this.differences.of(at),
    };
  }

  private async beginningOf(
    { at, source }: AuditTask,
    checkpoint: StoredCheckpoint,
    { low, isLate }: LogLeft,
  ): Promise<LateBeginning> {
    if (!isLate) return { beginning: firstBeginning(source, low), countedFrom: low };
    const { clickHouse: client, reader, keyring } = this.tools;
    return lateBeginning({ client, reader, keyring }, at, source, checkpoint, low);
  }

  /** Recounts the log of a partition up to an offset. */
  private async readLog(
    { at }: AuditTask,
    low: number,
    nextOffset: number,
    partition: PartitionAudit,
  ): Promise<void> {
    let given = low;
    await this.tools.reader.read(at, low, nextOffset, async (records, next) => {
      await partition.take(records, next);
      this.tools.onRead(next - given);
      given = next;
    });
    await partition.end(nextOffset);
  }

  private async notRecountable(
    windows: WindowComparison,
    { hour, day }: { readonly hour: number; readonly day: number },
  ): Promise<AuditedPartition['notRecountable']> {
    if (hour === 0) return { hourly: 0, daily: 0 };
    await compareTotals(windows, { hour, day }, this.tools.floor);
    return {
      hourly: await countBefore(windows, 'hourly', hour),
      daily: await countBefore(windows, 'daily', day),
    };
  }

  private async withoutRecount(task: AuditTask, state: PartitionState): Promise<AuditedPartition> {
    const { at, checkpoint, log } = task;
    const windows = await this.windowComparison(task);
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
