import type { Hour, Millis } from '../model/time.ts';
import type { FoldState } from './fold.ts';

/**
 * Usage hours in which no id can have been accepted: they begin after the reported time at which this fold
 * began, since usage is never accepted before it begins, and this fold has not come to them yet. Their ids
 * need not be looked for in the ledger. What the ledger holds of them beyond a checkpoint is at higher offsets.
 */
export class UnusedHours {
  private readonly state: Pick<FoldState, 'timeline'>;
  /** The reported time when the first hour was asked for: what is left of lost records is counted before. */
  private begin: Millis | null = null;
  private readonly taken = new Set<Hour>();

  constructor(state: Pick<FoldState, 'timeline'>) {
    this.state = state;
  }

  /** Whether an hour is unused; it is used from now on. */
  take(hour: Hour): boolean {
    this.begin ??= this.state.timeline.watermark;
    if (hour <= this.begin || this.taken.has(hour)) return false;
    this.taken.add(hour);
    return true;
  }
}
