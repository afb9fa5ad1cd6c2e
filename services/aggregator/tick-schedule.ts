import type { Hour } from '../shared/model/time.ts';

const FIRST_DELAY = 250;
const MAX_DELAY = 30_000;

/**
 * Decides when to append a tick. Our clock only says when to try. The broker's clock decides in which hour
 * the tick lands. A tick that lands before the boundary is repeated, each time after twice the delay, until
 * a record after the boundary has been read.
 */
export class TickSchedule {
  private hour: Hour | null = null;
  private due = 0;
  private delay = FIRST_DELAY;

  /**
   * Whether to append a tick at the instant `now`, in milliseconds. After `true` the tick counts as
   * appended.
   */
  isDue(now: number, openHour: Hour, end: Hour): boolean {
    if (this.hour !== openHour) {
      this.hour = openHour;
      this.delay = FIRST_DELAY;
      this.due = end;
    }
    if (now < this.due) return false;
    this.due = now + this.delay;
    this.delay = Math.min(this.delay * 2, MAX_DELAY);
    return true;
  }
}
