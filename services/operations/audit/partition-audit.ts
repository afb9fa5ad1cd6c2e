import { addQuantities } from '../../shared/model/decimal.ts';
import type { LogRecord } from '../../shared/model/log-record.ts';
import { compareSigned, type ByHand } from './compare-adjustments.ts';
import type { BillingComparison } from './compare-billing.ts';
import { compareRecords } from './compare-records.ts';
import {
  compareDays,
  compareHours,
  type Reported,
  type WindowComparison,
} from './compare-windows.ts';
import { windowName, type CountedHour } from './counted-window.ts';
import { enterGivenIdsOf } from './given-ids.ts';
import { cellStart, LedgerDigests } from './ledger-digests.ts';
import type { Judged, Recount } from './recount.ts';
import type { SeenIds } from './seen-ids.ts';
import type { Span } from './window-rows.ts';

/** The most records, and bytes of records, that are counted and compared with the ledger at once. */
const PAGE_RECORDS = 50_000;
const PAGE_BYTES = 64 * 1024 * 1024;
/** The number of windows of closed hours that are gathered to be compared together. */
const PENDING_WINDOWS = 50_000;

/** Where the recount of a partition begins. */
export interface Start {
  /** The first counted record. */
  readonly offset: number;
  /** Whether it is the first record of the partition's epoch. */
  readonly whole: boolean;
  /** Whether events were accepted before it that only the ledger knows. */
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
 * Recounts one partition and compares as it goes: records in pages, windows when their hours close. It
 * holds at most a page, an open hour and its day, whatever the length of the log.
 */
export class PartitionAudit {
  private readonly recount: Recount;
  private readonly seen: SeenIds;
  private readonly start: Start;
  private readonly windows: WindowComparison;
  private readonly floor: number;
  private readonly ledger: LedgerDigests;
  private readonly billing: BillingComparison | null;
  private readonly byHand: ByHand;
  /**
   * Every offset before this one is counted and compared. It is the first offset of a cell, or of the log.
   */
  private pageFrom: number;
  /** Judged but not counted yet. */
  private pending: Judged[] = [];
  private pendingBytes = 0;
  private hours: CountedHour[] = [];
  private pendingWindows = 0;
  /** The daily windows of days that are not compared yet. */
  private days = new Map<string, Reported>();
  private hoursFrom: number;
  private daysFrom: number;
  private begun: boolean;
  /** Hours and days before these cannot be recounted; 0 if all can. */
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
      readonly floor: number;
      readonly billing: BillingComparison | null;
      readonly byHand: ByHand;
    },
  ) {
    this.windows = windows;
    this.recount = recount;
    this.seen = seen;
    this.start = start;
    this.floor = options.floor;
    this.billing = options.billing;
    this.byHand = options.byHand;
    // For an entire epoch, nothing may be stored below its first record either.
    this.pageFrom = start.whole ? 0 : start.offset;
    this.ledger = new LedgerDigests(
      windows.client,
      windows.at,
      { from: this.pageFrom, end: windows.nextOffset },
      options.floor,
    );
    this.begun = start.whole;
    this.hoursFrom = 0;
    this.daysFrom = 0;
    if (!start.whole) this.beginAfter(recount.openHour);
  }

  async take(records: readonly LogRecord[], next: number): Promise<void> {
    for (const record of records) {
      const each = this.recount.judge(record);
      this.last = record;
      if (record.offset < this.start.offset) continue; // read only to learn what is in force
      if (!this.begun) this.beginAfter(each.reportedHour);
      this.begun = true;
      this.pending.push(each);
      this.pendingBytes += (record.value?.length ?? 0) + (record.key?.length ?? 0);
      this.totals.records++;
    }
    if (next - this.pageFrom < PAGE_RECORDS && this.pendingBytes < PAGE_BYTES) return;
    await this.page(cellStart(next));
    if (this.pendingWindows >= PENDING_WINDOWS) await this.compareClosed(this.recount.countedHour);
  }

  /** Compares everything that is left. */
  async end(nextOffset: number): Promise<void> {
    await this.page(nextOffset);
    this.recount.closeCounted();
    this.collectHours();
    const { openHour, windows } = this.recount;
    await this.compareClosed(openHour);
    const open = [...windows.values()].map((window) => ({
      reported: openHour,
      window,
      lastHour: openHour,
    }));
    const begunBefore = openHour < this.hoursFrom;
    await this.compareHourly(
      { from: Math.max(openHour, this.hoursFrom), end: Infinity },
      begunBefore ? [] : open,
    );
    await this.compareDaily(Infinity);
    this.seen.clear();
  }

  /** Leaves out an hour that had begun before the first counted record, and its day. */
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

  /** Counts the judged records up to an offset and compares them. */
  private async page(end: number): Promise<void> {
    const from = this.pageFrom;
    if (end <= from) return;
    const rest = this.pending.findIndex(({ record }) => record.offset >= end);
    const judged = rest < 0 ? this.pending : this.pending.slice(0, rest);
    this.pending = rest < 0 ? [] : this.pending.slice(rest);
    this.pendingBytes = 0; // the rest is less than a cell and does not matter
    this.pageFrom = end;
    const { recount, start, seen } = this;
    const { client, at, differences } = this.windows;
    if (start.hasGivenIds) await enterGivenIdsOf(client, seen, at, start.offset, judged);

    recount.count(judged);
    recount.skipTo(end);
    this.collectHours();
    const { accepted, refused } = recount;
    recount.accepted = [];
    recount.refused = [];
    compareSigned(at, accepted, this.byHand, differences);
    const compared = await compareRecords(
      { client, at, differences, ledger: this.ledger, floor: this.floor },
      { from, end, accepted, refused },
    );
    this.totals.ledger += compared.ledger;
    this.totals.deadLetters += compared.deadLetters;
  }

  private collectHours(): void {
    for (const hour of this.recount.closed) {
      if (hour.hour < this.hoursFrom) continue;
      this.hours.push(hour);
      this.pendingWindows += hour.windows.size;
    }
    this.recount.closed = [];
  }

  /** Compares the closed hours: those before `end`. */
  private async compareClosed(end: number): Promise<void> {
    const { hours, hoursFrom: from } = this;
    if (end <= from) return;
    this.hours = [];
    this.pendingWindows = 0;
    this.hoursFrom = end;
    const reported = hours.flatMap(({ hour, windows }) =>
      [...windows.values()].map((window) => ({ reported: hour, window, lastHour: hour })),
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
        lastHour: hour,
      });
      return;
    }
    // Within one reported hour, a later usage hour may have the lower offset.
    const first = day.window.firstOffset <= window.firstOffset ? day.window : window;
    this.days.set(key, {
      reported,
      lastHour: hour,
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

  /** Compares the days before `end`. */
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
