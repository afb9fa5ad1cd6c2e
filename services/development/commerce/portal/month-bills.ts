import { millis, nextMonth, type Millis } from '../../../shared/model/time.ts';
import type { AcceptedEvents } from '../accepted-events.ts';
import type { Credits } from '../credits.ts';
import { BillLines } from './bill-lines.ts';
import type { PricedLine, Pricing } from './pricing.ts';

/** Everything that was accepted for the hours of one month, and is billed. */
export interface MonthBill {
  readonly month: Millis;
  readonly lines: readonly PricedLine[];
  /** How many events were accepted. */
  readonly events: number;
  /** How many lines are of meters that are not charged; they are left out. */
  readonly uncharged: number;
}

interface Kept {
  readonly version: number;
  readonly bill: Promise<MonthBill>;
}

const KEPT_MONTHS = 6;

/**
 * The bills by month. Each is added up from the accepted events alone, and kept until more is accepted in its
 * month, or a credit is granted. So a bill never holds anything that was not accepted, nor anything twice.
 */
export class MonthBills {
  private readonly events: AcceptedEvents;
  private readonly credits: Pick<Credits, 'of'>;
  private readonly pricing: Pricing;
  private readonly kept = new Map<Millis, Kept>();

  constructor(events: AcceptedEvents, credits: Pick<Credits, 'of'>, pricing: Pricing) {
    this.events = events;
    this.credits = credits;
    this.pricing = pricing;
  }

  of(month: Millis): Promise<MonthBill> {
    const version = this.events.versionOf(month) + this.credits.of(month).length;
    const kept = this.kept.get(month);
    this.kept.delete(month);
    const current = kept?.version === version ? kept : { version, bill: this.addUp(month) };
    this.kept.set(month, current);
    const [oldest] = this.kept.keys();
    if (this.kept.size > KEPT_MONTHS && oldest !== undefined) this.kept.delete(oldest);
    return current.bill;
  }

  private async addUp(month: Millis): Promise<MonthBill> {
    const lines = new BillLines();
    const through = millis(nextMonth(month) - 1);
    const scan = this.events.scan({ order: 'oldest first', from: month, through });
    for await (const event of scan) lines.add(event);
    for (const credit of this.credits.of(month)) lines.addCredit(credit);
    const all = lines.all();
    const charged = all.filter((line) => this.pricing.isCharged(line));
    return {
      month,
      lines: charged.map((line) => this.pricing.priced(line)),
      events: lines.events,
      uncharged: all.length - charged.length,
    };
  }
}
