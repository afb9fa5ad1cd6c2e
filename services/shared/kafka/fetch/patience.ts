import type { FetchedPartition, FetchResponse } from './fetch-response.ts';

/** The longest wait while a partition is behind. */
const EAGER_MILLIS = 200;
/** A reader takes about so long, at most, for what one answer brings. */
const CALM_AFTER_MILLIS = 5_000;

/**
 * How long the brokers may hold back their answers to the consumers of this process. An answer with records is never held
 * back, but a partition that was paused, because its reader needs time, is asked for again only with the next fetch. So
 * while a partition has more than an answer brought, no fetch waits for long. Otherwise each fetch wakes this process
 * and the broker for nothing.
 */
export class Patience {
  private readonly now: () => number;
  private eagerUntil: number;

  constructor(now: () => number = Date.now) {
    this.now = now;
    this.eagerUntil = now() + CALM_AFTER_MILLIS;
  }

  /** Milliseconds that a fetch may wait whose consumer allows `longest`. */
  waitOf(longest: number): number {
    return this.now() < this.eagerUntil ? Math.min(longest, EAGER_MILLIS) : longest;
  }

  answered({ responses }: Pick<FetchResponse, 'responses'>): void {
    if (responses.some(({ partitions }) => partitions.some(isBehind))) {
      this.eagerUntil = this.now() + CALM_AFTER_MILLIS;
    }
  }
}

/** Whether the answer brought records, and the log has more. */
const isBehind = ({ messages, highWatermark }: FetchedPartition): boolean => {
  const last = messages.findLast((message) => 'batch' in message);
  return last !== undefined && Number(last.offset) + 1 < Number(highWatermark);
};
