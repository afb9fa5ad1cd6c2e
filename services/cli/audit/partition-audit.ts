import type { ClickHouseClient } from '@clickhouse/client';
import { addQuantities } from '../../shared/decimal.ts';
import type { LogRecord } from '../../shared/log-record.ts';
import type { SourcePartition } from '../../shared/source.ts';
import type { BillingComparison } from './compare-billing.ts';
import { compareRecords } from './compare-records.ts';
import {
  compareDays,
  compareHours,
  type Reported,
  type Span,
  type WindowComparison,
} from './compare-windows.ts';
import { enterGivenIds } from './given-ids.ts';
import {
  windowName,
  type AcceptedEvent,
  type CountedHour,
  type Judged,
  type Recount,
  type RefusedRecord,
} from './recount.ts';
import type { SeenIds } from './seen-ids.ts';

/** So many records, or bytes of them, are compared with the ledger at once. */
const PAGE_RECORDS = 50_000;
const PAGE_BYTES = 64 * 1024 * 1024;
/** So many windows of closed hours wait to be compared together. */
const PENDING_WINDOWS = 50_000;

/** Where the recount of a partition begins. */
export interface Start {
  /** The first record that is counted. */
  readonly offset: number;
  /** Whether it is the first one of the partition's life. */
  readonly whole: boolean;
  /** Whether events were accepted before it, which only the ledger knows. */
  readonly hasGivenIds: boolean;
}

export interface Totals {
  records: number;
  ledger: number;
  deadLetters: number;
  hourly: number;
  daily: number;
  ahead: number;
}

/**
 * Recounts one partition and compares as it goes: records in pages, windows when their hours are
 * closed. What it holds is bounded by a page, an open hour and its day, whatever the length of the log.
 */
export class PartitionAudit {
  private readonly client: ClickHouseClient;
  private readonly at: SourcePartition;
  private readonly recount: Recount;
  private readonly seen: SeenIds;
  private readonly start: Start;
  private readonly windows: WindowComparison;
  private readonly trimmedBefore: number | null;
  private readonly billing: BillingComparison | null;
  private page: {
    from: number;
    bytes: number;
    accepted: AcceptedEvent[];
    refused: RefusedRecord[];
  };
  private hours: CountedHour[] = [];
  private pendingWindows = 0;
  /** Daily windows of days that are not compared yet. */
  private days = new Map<string, Reported>();
  private hoursFrom: number;
  private daysFrom: number;
  private begun: boolean;
  /** Hours and days before these cannot be recounted; 0 where all can. */
  leftOut = { hour: 0, day: 0 };
  last: LogRecord | null = null;
  readonly totals: Totals = {
    records: 0,
    ledger: 0,
    deadLetters: 0,
    hourly: 0,
    daily: 0,
    ahead: 0,
  };

  constructor(
    windows: WindowComparison,
    recount: Recount,
    seen: SeenIds,
    start: Start,
    options: {
      readonly trimmedBefore: number | null;
      readonly billing: BillingComparison | null;
    },
  ) {
    this.client = windows.client;
    this.at = windows.at;
    this.windows = windows;
    this.recount = recount;
    this.seen = seen;
    this.start = start;
    this.trimmedBefore = options.trimmedBefore;
    this.billing = options.billing;
    this.page = { from: start.offset, bytes: 0, accepted: [], refused: [] };
    this.begun = start.whole;
    this.hoursFrom = 0;
    this.daysFrom = 0;
    if (!start.whole) this.beginAfter(recount.openHour);
  }

  async take(records: readonly LogRecord[], next: number): Promise<void> {
    const judged: Judged[] = [];
    for (const record of records) {
      const each = this.recount.judge(record);
      this.last = record;
      if (record.offset < this.start.offset) continue; // only to know what is in force
      if (!this.begun) this.beginAfter(each.reportedHour);
      this.begun = true;
      judged.push(each);
      this.page.bytes += (record.value?.length ?? 0) + (record.key?.length ?? 0);
    }
    if (this.start.hasGivenIds) await this.enterGivenIds(judged);
    for (const each of judged) this.recount.count(each);
    this.totals.records += judged.length;
    if (next > this.start.offset) this.recount.skipTo(next);
    this.collect();
    if (next - this.page.from >= PAGE_RECORDS || this.page.bytes >= PAGE_BYTES) {
      await this.comparePage(next);
    }
    if (this.pendingWindows >= PENDING_WINDOWS) await this.compareClosed(this.recount.openHour);
  }

  /** Compares all that is left. */
  async end(nextOffset: number): Promise<void> {
    this.recount.skipTo(nextOffset);
    this.collect();
    await this.comparePage(nextOffset);
    const { openHour, windows } = this.recount;
    await this.compareClosed(openHour);
    const open = [...windows.values()].map((window) => ({
      reported: openHour,
      window,
      throughHour: openHour,
    }));
    const begunBefore = openHour < this.hoursFrom;
    await this.compareHourly(
      { from: Math.max(openHour, this.hoursFrom), end: Infinity },
      begunBefore ? [] : open,
    );
    await this.compareDaily(Infinity);
    this.seen.clear();
  }

  /** An hour that had begun before the first record that is counted, and its day, are left out. */
  private beginAfter(hour: number): void {
    const { hourMillis } = this.windows.source;
    this.hoursFrom = hour + hourMillis;
    this.daysFrom = this.dayOf(hour) + 24 * hourMillis;
    this.leftOut = { hour: this.hoursFrom, day: this.daysFrom };
  }

  private dayOf(hour: number): number {
    const dayMillis = this.windows.source.hourMillis * 24;
    return Math.floor(hour / dayMillis) * dayMillis;
  }

  private async enterGivenIds(judged: readonly Judged[]): Promise<void> {
    const unknown = new Set<number>();
    for (const { usageHour } of judged) {
      if (usageHour !== null && !this.seen.knows(usageHour)) unknown.add(usageHour);
    }
    if (unknown.size === 0) return;
    await enterGivenIds(this.client, this.seen, this.at, this.start.offset, [...unknown]);
  }

  private collect(): void {
    const { recount, page } = this;
    for (const event of recount.accepted) page.accepted.push(event);
    for (const record of recount.refused) page.refused.push(record);
    recount.accepted = [];
    recount.refused = [];
    for (const hour of recount.closed) {
      if (hour.hour < this.hoursFrom) continue;
      this.hours.push(hour);
      this.pendingWindows += hour.windows.size;
    }
    recount.closed = [];
  }

  private async comparePage(end: number): Promise<void> {
    const { from, accepted, refused } = this.page;
    this.page = { from: end, bytes: 0, accepted: [], refused: [] };
    if (end <= from) return;
    const { client, at, differences } = this.windows;
    const compared = await compareRecords(
      { client, at, differences, trimmedBefore: this.trimmedBefore },
      { from, end, accepted, refused },
    );
    this.totals.ledger += compared.ledger;
    this.totals.deadLetters += compared.deadLetters;
  }

  /** Compares the hours that are closed: those before an hour. */
  private async compareClosed(end: number): Promise<void> {
    const { hours, hoursFrom: from } = this;
    if (end <= from) return;
    this.hours = [];
    this.pendingWindows = 0;
    this.hoursFrom = end;
    const reported = hours.flatMap(({ hour, windows }) =>
      [...windows.values()].map((window) => ({ reported: hour, window, throughHour: hour })),
    );
    await this.compareHourly({ from, end }, reported);
    await this.billing?.compare({ from, end }, hours);
    for (const each of reported) this.addToDay(each);
    await this.compareDaily(this.dayOf(end));
  }

  private async compareHourly(span: Span, reported: readonly Reported[]): Promise<void> {
    const { compared, ahead } = await compareHours(this.windows, span, reported);
    this.totals.hourly += compared;
    this.totals.ahead += ahead;
  }

  private addToDay({ reported: hour, window }: Reported): void {
    const reported = this.dayOf(hour);
    if (reported < this.daysFrom) return;
    const usageDay = this.dayOf(window.usageHour);
    const { subscriptionKey, meterKey, resourceKey } = window;
    const name = windowName(usageDay, subscriptionKey, meterKey, resourceKey);
    const key = `${String(reported)}\0${name}`;
    const day = this.days.get(key);
    if (!day) {
      this.days.set(key, {
        reported,
        window: { ...window, usageHour: usageDay },
        throughHour: hour,
      });
      return;
    }
    // Of one hour, a later usage hour may have the lower offset.
    const first = day.window.firstOffset <= window.firstOffset ? day.window : window;
    this.days.set(key, {
      reported,
      throughHour: hour,
      window: {
        ...day.window,
        first: first.first,
        firstOffset: first.firstOffset,
        quantity: addQuantities(day.window.quantity, window.quantity),
        eventCount: day.window.eventCount + window.eventCount,
        lastOffset: Math.max(day.window.lastOffset, window.lastOffset),
      },
    });
  }

  /** Compares the days before a day. */
  private async compareDaily(end: number): Promise<void> {
    const { days, daysFrom: from } = this;
    if (end <= from) return;
    this.days = new Map([...days].filter(([, { reported }]) => reported >= end));
    this.daysFrom = end;
    const whole = [...days.values()].filter(({ reported }) => reported < end);
    const { compared, ahead } = await compareDays(this.windows, { from, end }, whole);
    this.totals.daily += compared;
    this.totals.ahead += ahead;
  }
}
