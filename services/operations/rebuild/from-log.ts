import type { ClickHouseClient } from '@clickhouse/client';
import { rm } from 'node:fs/promises';
import type { KafkaAdmin } from '../../shared/kafka/admin.ts';
import type { KafkaClient } from '../../shared/kafka/client.ts';
import { readSchemaDirectory } from '../../shared/avro/schema-directory.ts';
import type { Keyring } from '../../shared/model/control-record.ts';
import { temporaryDirectory } from '../../shared/process/directory.ts';
import type { Source, SourcePartition } from '../../shared/model/source.ts';
import { LogReader } from '../../shared/kafka/log-reader.ts';
import { usageReader } from '../audit/usage.ts';
import { comparePage, isWithin, type Mend, type Page, type Times } from './compare-page.ts';
import { recountLog, type LogPage } from './log-recount.ts';
import { planRecount, type LogTools, type PartitionPlan } from './plan.ts';
import { deadLetterTable, ledgerTable, type RecordTable } from './record-table.ts';
import { mendRows } from './mend.ts';
import { compareRecounted } from './recounted-windows.ts';
import type { HourRange, WindowDifference } from './recount.ts';
import { Tally } from './tally.ts';

export interface Connections {
  readonly clickHouse: ClickHouseClient;
  readonly kafka: KafkaClient;
  readonly admin: KafkaAdmin;
  readonly keyring: Keyring;
}

/** Rows of one record that are not what the log gives. */
export interface RowDifference {
  readonly table: RecordTable<never>['name'];
  readonly partition: number;
  readonly offset: number;
  /** Reported hour by the log; by the rows where the log gives none. */
  readonly reportedHour: number;
  readonly kind: Mend<never>['kind'];
  readonly name: string;
  readonly problem: string;
}

export interface FromLog {
  /** Of `usage_events`. */
  readonly ledger: Tally<RowDifference>;
  readonly deadLetters: Tally<RowDifference>;
  /** What the log comes to against what is stored; empty where rows are mended. */
  readonly windows: Tally<WindowDifference>;
  /** Hours outside the range whose rows the same records concern: their windows are left alone. */
  readonly otherHours: readonly number[];
  /** Reported hours whose ledger is not right. */
  readonly hours: readonly number[];
}

export interface FromLogOptions {
  readonly limit: number;
  /** Called before the ledger of hours is mended, once for each; null where nothing is to be mended. */
  readonly mend: ((at: SourcePartition, hours: readonly number[]) => Promise<void>) | null;
  readonly onProgress: (read: number, all: number) => void;
}

/**
 * Recounts the closed hours of a range from the log with the audit's recount, and compares the ledger,
 * the dead letters and the windows with it. Where it is to mend, ledger and dead letters are brought
 * to what the log gives, page by page; windows are not: they follow from the ledger.
 *
 * @throws UserError where the log cannot tell of all hours of the range
 */
export const compareWithLog = async (
  { clickHouse: client, kafka, admin, keyring }: Connections,
  source: Source,
  range: HourRange,
  options: FromLogOptions,
): Promise<FromLog> => {
  const present = (await admin.topicNames()).has(source.topic);
  const reader = await LogReader.open(kafka, admin, present ? [source.topic] : []);
  const directory = await temporaryDirectory('The recount', 'usage-rebuild-');
  const schemas = readSchemaDirectory();
  const read = usageReader(schemas);
  const tools: LogTools = { client, admin, reader, keyring, schemas, read, directory };
  try {
    const plans = await planRecount(tools, source, range.from);
    const times = { start: range.from, end: range.to };
    const run = new Comparison(tools, times, range.floor, options);
    const all = plans.reduce((sum, { checkpoint, low }) => sum + checkpoint.nextOffset - low, 0);
    let done = 0;
    for (const plan of plans) {
      await run.partition(plan, (records) => {
        done += records;
        options.onProgress(done, all);
      });
    }
    return run.found();
  } finally {
    await reader.close();
    await rm(directory, { recursive: true, force: true });
  }
};

/** Beyond any offset of a log; ClickHouse's column holds larger ones, JavaScript's numbers do not. */
const NO_END = Number.MAX_SAFE_INTEGER;

const NONE: ReadonlySet<number> = new Set();

class Comparison {
  private readonly tools: LogTools;
  private readonly times: Times;
  private readonly floor: number;
  private readonly options: FromLogOptions;
  private readonly recorded = new Set<string>();
  private readonly ledger: Tally<RowDifference>;
  private readonly deadLetters: Tally<RowDifference>;
  private readonly windows: Tally<WindowDifference>;
  private readonly hours = new Set<number>();

  constructor(tools: LogTools, times: Times, floor: number, options: FromLogOptions) {
    this.tools = tools;
    this.times = times;
    this.floor = floor;
    this.options = options;
    this.ledger = new Tally(options.limit);
    this.deadLetters = new Tally(options.limit);
    this.windows = new Tally(options.limit);
  }

  found(): FromLog {
    const { ledger, deadLetters, windows } = this;
    const hours = [...this.hours].sort((a, b) => a - b);
    const otherHours = hours.filter((hour) => !isWithin(this.times, hour));
    return { ledger, deadLetters, windows, hours, otherHours };
  }

  async partition(plan: PartitionPlan, read: (records: number) => void): Promise<void> {
    const { client } = this.tools;
    const { times, floor } = this;
    const nothing = { accepted: [], refused: [], within: null, untold: new Set<number>() };
    // Rows that are said to be of the range, at offsets below all of its records, and beyond them.
    await this.page(plan, { from: 0, end: plan.countedFrom, ...nothing });
    let next = plan.countedFrom;
    let { start } = times;
    await recountLog(this.tools, plan, times, floor, {
      page: (page) => {
        next = page.end;
        return this.page(plan, page);
      },
      hours: async (hours, end) => {
        if (this.options.mend || end <= start) return;
        const span = { start, end };
        start = end;
        this.windows.add(await compareRecounted(client, plan.at, span, floor, hours));
      },
      read,
    });
    await this.page(plan, { from: next, end: NO_END, ...nothing });
  }

  private async page(
    plan: PartitionPlan,
    { accepted, refused, untold, ...page }: LogPage,
  ): Promise<void> {
    const isTrimmed = ({ usageHour }: { readonly usageHour: number }): boolean =>
      usageHour < this.floor;
    const events = { ...page, found: accepted };
    this.ledger.add(await this.rows(plan, ledgerTable, events, isTrimmed, NONE));
    // Those beyond the checkpoint are its owner's, who keeps the time of an `end` record for them.
    const end = Math.min(page.end, plan.checkpoint.nextOffset);
    const letters = { ...page, end, found: refused };
    this.deadLetters.add(await this.rows(plan, deadLetterTable, letters, () => false, untold));
  }

  private async rows<Found>(
    { at, source }: PartitionPlan,
    table: RecordTable<Found>,
    page: Page<Found>,
    mayBeMissing: (found: Found) => boolean,
    /** Offsets whose rows are left as they are. */
    untold: ReadonlySet<number>,
  ): Promise<readonly RowDifference[]> {
    if (page.end <= page.from) return [];
    const { client } = this.tools;
    const { times } = this;
    const compared = await comparePage(client, table, at, times, page, mayBeMissing);
    const mends = compared.filter(({ offset }) => !untold.has(offset));
    const hourOf = (time: number): number =>
      Math.floor(time / source.hourMillis) * source.hourMillis;
    if (table.name === 'usage_events') {
      // a dead letter is in no window
      const hours = new Set(mends.flatMap(({ reported }) => reported.map(hourOf)));
      await this.record(at, [...hours]);
    }
    if (this.options.mend) await mendRows(client, table, at, mends);
    return mends.map(({ offset, kind, name, problem, reported: [reported = 0] }) => ({
      table: table.name,
      partition: at.partition,
      offset,
      reportedHour: hourOf(reported),
      kind,
      name,
      problem,
    }));
  }

  /** Notes hours whose ledger is not right, and says so before it is mended. */
  private async record(at: SourcePartition, hours: readonly number[]): Promise<void> {
    const name = (hour: number): string => `${String(at.partition)} ${String(hour)}`;
    const fresh = hours.filter((hour) => !this.recorded.has(name(hour)));
    for (const hour of fresh) {
      this.recorded.add(name(hour));
      this.hours.add(hour);
    }
    if (fresh.length > 0) await this.options.mend?.(at, fresh);
  }
}
