import type { Pending, Unfinished } from './ports.ts';

export interface Item {
  readonly pending: Pending;
  readonly composition: Loaded;
  attempts: number;
  /** The submission must not be sent before this instant. */
  due: number;
}

interface Loaded {
  readonly composition: Unfinished;
  remaining: number;
}

/** The number of submissions in memory at which no more are loaded. */
const WINDOW = 2_000;

/**
 * What a sender has to send: compositions that are still to be loaded, and the loaded submissions of
 * others.
 */
export class SubmissionQueue {
  private waiting: Unfinished[] = [];
  private items: Item[] = [];

  /** The number of submissions without an outcome. */
  get size(): number {
    return this.waiting.reduce((sum, { count }) => sum + count, this.items.length);
  }

  add(compositions: readonly Unfinished[]): void {
    this.waiting = [...this.waiting, ...compositions].sort((a, b) => a.hour - b.hour);
  }

  /**
   * Removes and returns the composition to be loaded next; null if there is none, or enough is loaded.
   */
  next(): Unfinished | null {
    return this.items.length < WINDOW ? (this.waiting.shift() ?? null) : null;
  }

  load(composition: Unfinished, pending: readonly Pending[]): void {
    const loaded: Loaded = { composition, remaining: pending.length };
    for (const each of pending) {
      this.items.push({ pending: each, composition: loaded, attempts: 0, due: 0 });
    }
  }

  due(now: number): readonly Item[] {
    return this.items.filter((item) => item.due <= now);
  }

  /** When the first submission is due; infinity if none is loaded. */
  get nextDue(): number {
    return this.items.reduce((earliest, { due }) => Math.min(earliest, due), Infinity);
  }

  /** Removes settled submissions, and returns the compositions that are finished by that. */
  remove(settled: ReadonlyMap<Item, unknown>): readonly Unfinished[] {
    this.items = this.items.filter((item) => !settled.has(item));
    const finished: Unfinished[] = [];
    for (const { composition } of settled.keys()) {
      composition.remaining--;
      if (composition.remaining === 0) finished.push(composition.composition);
    }
    return finished;
  }
}
