import type { FetchedPartition, FetchResponse } from './fetch-response.ts';

/**
 * How many pauses of a consumer a fetch may wait: while a partition is behind, and otherwise. The pause is what kafkajs has as
 * the longest wait of a consumer: it sleeps so long where all partitions are paused, as they are until their positions
 * are known.
 */
const EAGER_PAUSES = 4;
const CALM_PAUSES = 20;

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

  /** Milliseconds that a fetch of a consumer with this pause may wait. */
  waitOf(pause: number): number {
    return pause * (this.now() < this.eagerUntil ? EAGER_PAUSES : CALM_PAUSES);
  }

  answered({ responses }: Pick<FetchResponse, 'responses'>): void {
    if (responses.some(({ partitions }) => partitions.some(isBehind))) {
      this.eagerUntil = this.now() + CALM_AFTER_MILLIS;
    }
  }
}

/** The pause of a consumer whose fetches may wait for so many milliseconds. */
export const pauseOf = (longestWait: number): number =>
  Math.max(1, Math.floor(longestWait / CALM_PAUSES));

/** Whether the answer brought records, and the log has more. */
const isBehind = ({ messages, highWatermark }: FetchedPartition): boolean => {
  const last = messages.findLast((message) => 'batch' in message);
  return last !== undefined && Number(last.offset) + 1 < Number(highWatermark);
};
