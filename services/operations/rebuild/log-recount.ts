import { queryRows } from '../../shared/clickhouse/client.ts';
import { enterGivenIdsOf } from '../audit/given-ids.ts';
import type { CountedHour } from '../audit/counted-window.ts';
import type { AcceptedEvent, Judged, Recount, RefusedRecord } from '../audit/recount.ts';
import type { SeenIds } from '../audit/seen-ids.ts';
import { OF_PARTITION, partitionParams } from '../audit/stored-rows.ts';
import { isWithin, type Offsets, type Times } from './compare-page.ts';
import { recountOf, type LogTools, type PartitionPlan } from './plan.ts';
import { deadLetterTable, ledgerTable } from './record-table.ts';

/** What the log gives in a range of offsets. */
export interface LogPage extends Offsets {
  readonly accepted: readonly AcceptedEvent[];
  readonly refused: readonly RefusedRecord[];
  /** Its records that were reported within the times; null where none were. */
  readonly within: Offsets | null;
  /** Usage of which an earlier record may have gone with the trimmed ledger: whether it is a duplicate or a conflict nobody can tell. */
  readonly untold: ReadonlySet<number>;
}

export interface Handlers {
  /** Takes the log in pages, without a gap between them. */
  readonly page: (page: LogPage) => Promise<void>;
  /** Takes the closed hours within the times that have windows, in order; all before the end are given. */
  readonly hours: (hours: readonly CountedHour[], end: number) => Promise<void>;
  /** Called with the number of records read since the last call. */
  readonly read: (records: number) => void;
}

/** So many records, or bytes of them, are a page. */
const PAGE_RECORDS = 50_000;
const PAGE_BYTES = 64 * 1024 * 1024;
/** So many windows of closed hours wait to be given together. */
const PENDING_WINDOWS = 50_000;

/**
 * Recounts a partition from the first record that is left to the end of the times, and as far as rows
 * go that are said to be of them.
 */
export const recountLog = async (
  tools: LogTools,
  plan: PartitionPlan,
  times: Times,
  floor: number,
  handlers: Handlers,
): Promise<void> => {
  const { at, checkpoint, low } = plan;
  const end = await lastStored(tools, plan, times);
  const { recount, seen } = recountOf(tools, plan);
  const log = new LogRecount(tools, plan, times, floor, handlers, recount, seen);
  let given = low;
  try {
    await tools.reader.read(at, low, checkpoint.nextOffset, async (records, next) => {
      await log.take(
        records.map((record) => recount.judge(record)),
        next,
      );
      handlers.read(next - given);
      given = next;
      const isPast = recount.openHour >= times.end && !recount.sealed;
      return isPast && next >= end ? 'enough' : undefined;
    });
    await log.end();
  } finally {
    seen.clear();
  }
};

/** One past the last offset, below the checkpoint, whose rows are said to be of these times. */
const lastStored = async (
  { client }: LogTools,
  { at, checkpoint }: PartitionPlan,
  times: Times,
): Promise<number> => {
  let end = 0;
  for (const { name, reportedWithin } of [ledgerTable, deadLetterTable]) {
    const [row] = await queryRows<{ last: string }>(
      client,
      `SELECT toString(max(t.offset)) AS last FROM ${name} AS t
       WHERE ${OF_PARTITION} AND t.offset < {next:UInt64} AND ${reportedWithin}`,
      { ...partitionParams(at), ...times, next: checkpoint.nextOffset },
    );
    end = Math.max(end, Number(row?.last ?? -1) + 1);
  }
  return end;
};

class LogRecount {
  private readonly tools: LogTools;
  private readonly plan: PartitionPlan;
  private readonly times: Times;
  /** Up to where the ledger was trimmed. */
  private readonly floor: number;
  private readonly handlers: Handlers;
  private readonly recount: Recount;
  private readonly seen: SeenIds;
  private next: number;
  private from: number;
  private bytes = 0;
  private within: Offsets | null = null;
  private untold = new Set<number>();
  private accepted: AcceptedEvent[] = [];
  private refused: RefusedRecord[] = [];
  private hours: CountedHour[] = [];
  private windows = 0;

  constructor(
    tools: LogTools,
    plan: PartitionPlan,
    times: Times,
    floor: number,
    handlers: Handlers,
    recount: Recount,
    seen: SeenIds,
  ) {
    this.tools = tools;
    this.plan = plan;
    this.times = times;
    this.floor = floor;
    this.handlers = handlers;
    this.recount = recount;
    this.seen = seen;
    this.from = plan.countedFrom;
    this.next = plan.countedFrom;
  }

  async take(all: readonly Judged[], next: number): Promise<void> {
    const { recount, plan } = this;
    // Those before only tell what is in force.
    const judged = all.filter(({ record }) => record.offset >= plan.countedFrom);
    if (plan.hasGivenIds) {
      await enterGivenIdsOf(this.tools.client, this.seen, plan.at, plan.countedFrom, judged);
    }
    for (const each of judged) this.look(each);
    recount.count(judged);
    if (next > plan.countedFrom) {
      recount.skipTo(next);
      this.next = next;
    }
    this.collect();
    if (this.next - this.from >= PAGE_RECORDS || this.bytes >= PAGE_BYTES) await this.givePage();
    if (this.windows >= PENDING_WINDOWS) await this.giveHours(recount.openHour);
  }

  async end(): Promise<void> {
    await this.givePage();
    await this.giveHours(this.times.end);
  }

  private look({ record, reportedTime, reportedHour, usageHour }: Judged): void {
    this.bytes += (record.value?.length ?? 0) + (record.key?.length ?? 0);
    if (this.plan.hasGivenIds && usageHour !== null && usageHour < this.floor) {
      this.untold.add(record.offset);
    }
    // What comes after an `end` record keeps the last reported time, in an hour that is closed.
    if (!isWithin(this.times, reportedHour) && !isWithin(this.times, reportedTime)) return;
    this.within = { from: this.within?.from ?? record.offset, end: record.offset + 1 };
  }

  private collect(): void {
    const { recount, times } = this;
    for (const event of recount.accepted) this.accepted.push(event);
    for (const record of recount.refused) this.refused.push(record);
    for (const hour of recount.closed) {
      if (!isWithin(times, hour.hour)) continue;
      this.hours.push(hour);
      this.windows += hour.windows.size;
    }
    recount.accepted = [];
    recount.refused = [];
    recount.closed = [];
  }

  private async givePage(): Promise<void> {
    const { from, next: end, accepted, refused, within, untold } = this;
    this.from = end;
    this.bytes = 0;
    this.within = null;
    this.untold = new Set();
    this.accepted = [];
    this.refused = [];
    if (end > from) await this.handlers.page({ from, end, accepted, refused, within, untold });
  }

  private async giveHours(openHour: number): Promise<void> {
    const { hours } = this;
    this.hours = [];
    this.windows = 0;
    await this.handlers.hours(hours, Math.min(openHour, this.times.end));
  }
}
