import type { Hour, Millis } from '../model/time.ts';
import type { FoldState } from './fold.ts';

/**
 * Usage hours in which no id can have been accepted: they begin after the reported time at which this fold
 * began, because usage is never accepted before it begins, and this fold has not reached them yet. Their
 * ids need not be looked up in the ledger. Ledger entries of such hours beyond a checkpoint have higher
 * offsets.
 */
export class UnusedHours {
  private readonly state: Pick<FoldState, 'timeline'>;
  /**
   * The reported time when the first hour was asked for. Rows that are left of lost records are counted
   * before that.
   */
  private begin: Millis | null = null;
  private readonly taken = new Set<Hour>();

  constructor(state: Pick<FoldState, 'timeline'>) {
    this.state = state;
  }

  /** Whether an hour is unused. From now on it counts as used. */
  take(hour: Hour): boolean {
    this.begin ??= this.state.timeline.watermark;
    if (hour <= this.begin || this.taken.has(hour)) return false;
    this.taken.add(hour);
    return true;
  }
}
