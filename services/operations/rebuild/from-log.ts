import type { ClickHouseClient } from '@clickhouse/client';
import { readSchemaDirectory } from '../../shared/avro/schema-directory.ts';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { OF_PARTITION, partitionParams } from '../../shared/clickhouse/of-partition.ts';
import type { KafkaAdmin } from '../../shared/kafka/admin.ts';
import type { KafkaClient } from '../../shared/kafka/client.ts';
import { LogReader } from '../../shared/kafka/log-reader.ts';
import type { Keyring } from '../../shared/model/control-record.ts';
import type { Source, SourcePartition } from '../../shared/model/source.ts';
import { hourOf, millis } from '../../shared/model/time.ts';
import type { FoldState } from '../../shared/usage-fold/fold.ts';
import { knowledgeOf } from '../../shared/usage-fold/knowledge.ts';
import type { MemoryBounds } from '../../shared/usage-fold/record-folder.ts';
import type { UsageTables } from '../../shared/usage-store/clickhouse-store.ts';
import { mendRows } from './mend.ts';
import { planRefold } from './plan.ts';
import { deadLetterRows, ledgerRows, type RecordRows } from './record-rows.ts';
import type { PartitionPlan, RefoldTools } from './refold-tools.ts';
import { refold } from './refold.ts';
import {
  differingRecords,
  problemsOf,
  type Comparison,
  type DifferingRecord,
} from './row-differences.ts';
import { dropAbandonedScratchTables, withScratchTables } from './scratch-tables.ts';
import { Tally } from './tally.ts';
import { withoutUntold } from './untold.ts';
import {
  differencesFrom,
  windowsIn,
  type HourRange,
  type WindowDifference,
} from './window-differences.ts';

export interface Connections {
  readonly clickHouse: ClickHouseClient;
  readonly kafka: KafkaClient;
  readonly admin: KafkaAdmin;
  readonly keyring: Keyring;
}

/** Rows of one record that differ from the log. */
export interface RowDifference {
  readonly table: RecordRows['name'];
  readonly partition: number;
  readonly offset: number;
  /** The reported hour by the log; by the rows if the log gives none. */
  readonly reportedHour: number;
  readonly kind: 'missing' | 'phantom' | 'differs';
  readonly name: string;
  readonly problem: string;
}

export interface FromLog {
  /** Differences in `usage_events`. */
  readonly ledger: Tally<RowDifference>;
  readonly deadLetters: Tally<RowDifference>;
  /** Differences between the sums of the log and the stored windows; empty if rows are mended. */
  readonly windows: Tally<WindowDifference>;
  /** Hours outside the range that have rows of the same records. Their windows are left alone. */
  readonly otherHours: readonly number[];
  /** Reported hours whose ledger is wrong. */
  readonly hours: readonly number[];
}

export interface FromLogOptions {
  readonly limit: number;
  /** Bounds on what the fold keeps in memory for a partition. */
  readonly bounds: MemoryBounds;
  /**
   * Called before the ledger of hours is mended, once for each hour; null if nothing should be mended.
   */
  readonly mend: ((at: SourcePartition, hours: readonly number[]) => Promise<void>) | null;
  readonly onProgress: (read: number, all: number) => void;
}

/**
 * Folds the log of a source again into scratch tables, up to the end of a range of closed hours, and
 * compares the ledger, the dead letters and the windows with them. When mending, it corrects ledger and
 * dead letters by the log. It does not correct windows, because they follow from the ledger.
 *
 * @throws UserError if the log does not cover all hours of the range
 */
export const compareWithLog = async (
  { clickHouse: client, kafka, admin, keyring }: Connections,
  source: Source,
  range: HourRange,
  options: FromLogOptions,
): Promise<FromLog> => {
  const present = (await admin.topicNames()).has(source.topic);
  const reader = await LogReader.open(kafka, admin, present ? [source.topic] : []);
  const knowledge = knowledgeOf(readSchemaDirectory(), keyring);
  const tools = { client, admin, reader, knowledge, bounds: options.bounds };
  try {
    const plans = await planRefold(tools, source, range.from);
    await dropAbandonedScratchTables(client);
    return await withScratchTables(client, (scratch) =>
      new Comparisons(tools, source, range, options, scratch).run(plans),
    );
  } finally {
    await reader.close();
  }
};

/**
 * Greater than any offset of a log. ClickHouse's column holds larger numbers, but JavaScript does not.
 */
const NO_END = Number.MAX_SAFE_INTEGER;

class Comparisons {
  private readonly tools: RefoldTools;
  private readonly source: Source;
  private readonly range: HourRange;
  private readonly options: FromLogOptions;
  private readonly scratch: UsageTables;
  private readonly ledger: Tally<RowDifference>;
  private readonly deadLetters: Tally<RowDifference>;
  private readonly windows: Tally<WindowDifference>;
  /** Reported hours whose ledger is wrong, by partition. */
  private readonly recorded = new Map<number, Set<number>>();

  constructor(
    tools: RefoldTools,
    source: Source,
    range: HourRange,
    options: FromLogOptions,
    scratch: UsageTables,
  ) {
    this.tools = tools;
    this.source = source;
    this.range = range;
    this.options = options;
    this.scratch = scratch;
    this.ledger = new Tally(options.limit);
    this.deadLetters = new Tally(options.limit);
    this.windows = new Tally(options.limit);
  }

  async run(plans: readonly PartitionPlan[]): Promise<FromLog> {
    const { tools, range, scratch, options } = this;
    let done = 0;
    const left = plans.map(({ checkpoint, state }) => checkpoint.nextOffset - state.nextOffset);
    const all = left.reduce((sum, each) => sum + each, 0);
    for (const plan of plans) {
      const last = await this.lastOffset(plan);
      const isEnough = ({ timeline, nextOffset }: FoldState): boolean =>
        timeline.openHour >= range.to && !timeline.sealed && nextOffset > last;
      await refold(tools, plan, scratch, isEnough, (offsets) => {
        done += offsets;
        options.onProgress(done, all);
      });
      await this.compare(plan, ledgerRows, scratch.ledger);
      await this.compare(plan, deadLetterRows, scratch.deadLetters);
      for (const table of [scratch.ledger, scratch.deadLetters]) {
        await tools.client.command({ query: `TRUNCATE TABLE ${table} SYNC` });
      }
    }
    if (!options.mend) {
      const expected = windowsIn(scratch.windows);
      for await (const some of differencesFrom(tools.client, range, expected)) {
        this.windows.add(some);
      }
    }
    const { ledger, deadLetters, windows } = this;
    const unlike = [...this.recorded.values()].flatMap((hours) => [...hours]);
    const hours = [...new Set(unlike)].sort((a, b) => a - b);
    const otherHours = hours.filter((hour) => hour < range.from || hour >= range.to);
    return { ledger, deadLetters, windows, hours, otherHours };
  }

  private get times(): Pick<Comparison, 'start' | 'end'> {
    return { start: this.range.from, end: this.range.to };
  }

  /**
   * The last offset below the checkpoint whose row says that it belongs to the range; -1 if there is none.
   */
  private async lastOffset({ place, checkpoint }: PartitionPlan): Promise<number> {
    const offsets = ({ name, isWithin }: RecordRows): string =>
      `SELECT toInt64(t.offset) AS offset FROM ${name} AS t
       WHERE ${OF_PARTITION} AND t.offset < {before:UInt64} AND ${isWithin}`;
    const [row] = await queryRows<{ last: string }>(
      this.tools.client,
      `SELECT toString(max(offset)) AS last
       FROM (${offsets(ledgerRows)} UNION ALL ${offsets(deadLetterRows)} UNION ALL SELECT -1 AS offset)`,
      { ...partitionParams(place), before: checkpoint.nextOffset, ...this.times },
    );
    return Number(row?.last);
  }

  private async compare(
    { place, checkpoint, state, hasGivenIds }: PartitionPlan,
    table: RecordRows,
    scratch: string,
  ): Promise<void> {
    const { client, knowledge } = this.tools;
    const { floor } = this.range;
    const isLedger = table === ledgerRows;
    // Dead letters beyond the checkpoint belong to their owner, which keeps the time of an `end` record for
    // them.
    const before = isLedger ? NO_END : checkpoint.nextOffset;
    const folded = state.nextOffset;
    const comparison = { table, scratch, ...this.times, at: place, floor, folded, before };
    for await (const page of differingRecords(client, comparison)) {
      const mayBeUntold = !isLedger && hasGivenIds && floor > 0;
      const records = mayBeUntold ? await withoutUntold(client, knowledge, comparison, page) : page;
      await this.tell(comparison, records);
      // A dead letter is in no window.
      if (isLedger) await this.record(place, records);
      if (this.options.mend) await mendRows(client, comparison, records);
    }
  }

  private async tell(comparison: Comparison, records: readonly DifferingRecord[]): Promise<void> {
    const { table, at } = comparison;
    const tally = table === ledgerRows ? this.ledger : this.deadLetters;
    const shown = records.slice(0, tally.room);
    const problems = await problemsOf(this.tools.client, comparison, shown);
    const differences = problems.map(
      ({ record: { offset, kind, reported }, name, problem }): RowDifference => ({
        table: table.name,
        partition: at.partition,
        offset,
        reportedHour: this.hourOf(reported[0] ?? 0),
        kind,
        name,
        problem,
      }),
    );
    tally.add(differences, records.length);
  }

  private hourOf(time: number): number {
    return hourOf(millis(time), this.source.hourMillis);
  }

  /** Notes hours whose ledger is wrong, and reports them before they are mended. */
  private async record(at: SourcePartition, records: readonly DifferingRecord[]): Promise<void> {
    const recorded = this.recorded.get(at.partition) ?? new Set();
    this.recorded.set(at.partition, recorded);
    const hours = records.flatMap(({ reported }) => reported.map((time) => this.hourOf(time)));
    const fresh = [...new Set(hours)].filter((hour) => !recorded.has(hour));
    for (const hour of fresh) recorded.add(hour);
    if (fresh.length > 0) await this.options.mend?.(at, fresh);
  }
}
