import type { Hour, Millis } from '../model/time.ts';
import type { FoldState } from './fold.ts';

/**
 * Usage hours in which no id can have been accepted, and that this fold has not reached yet: their ids need not be
 * looked up in the ledger. They begin after the reported time at which this fold began, because usage is never
 * accepted before it begins. If the ledger was empty then, all hours are unused. Ledger entries of such hours beyond a
 * checkpoint have higher offsets, or the same ones.
 */
export class UnusedHours {
  private readonly state: Pick<FoldState, 'timeline'>;
  /**
   * The reported time when the first hour was asked for. Rows that are left of lost records are counted
   * before that.
   */
  private begin: Millis | null = null;
  private readonly taken = new Set<Hour>();
  private readonly ledgerIsEmpty: boolean;

  /** @param ledgerIsEmpty whether nothing at all has been accepted before this fold */
  constructor(state: Pick<FoldState, 'timeline'>, ledgerIsEmpty: boolean) {
    this.state = state;
    this.ledgerIsEmpty = ledgerIsEmpty;
  }

  /** Whether an hour is unused. From now on it counts as used. */
  take(hour: Hour): boolean {
    this.begin ??= this.state.timeline.watermark;
    if (this.taken.has(hour) || (hour <= this.begin && !this.ledgerIsEmpty)) return false;
    this.taken.add(hour);
    return true;
  }
}
