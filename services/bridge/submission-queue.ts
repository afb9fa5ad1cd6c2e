import { MAX_BATCH } from './commerce/usage-message.ts';
import type { Pending, Unfinished } from './ports.ts';
import type { Hour } from '../shared/model/time.ts';

export interface Item {
  readonly pending: Pending;
  readonly composition: Loaded;
  /** How often it had to be put off. */
  attempts: number;
  /** It is sent together with at most so many, itself included. */
  company: number;
  /** It must not be sent before this instant. */
  due: number;
  /** When Commerce first said here that it is too old; null if it has not. */
  expiredAt: number | null;
}

interface Loaded {
  readonly composition: Unfinished;
  remaining: number;
}

/** The number of submissions in memory at which no more are loaded. */
const WINDOW = 2_000;

/**
 * What a sender has to send, the oldest hour first: compositions that are still to be loaded, and the loaded
 * submissions of others. A submission that is taken is settled, or put back, later.
 */
export class SubmissionQueue {
  private waiting: Unfinished[] = [];
  /** In the order of their hours. */
  private ready: Item[] = [];
  /** In the order in which they are due. */
  private deferred: Item[] = [];
  private loaded = 0;
  /** Given out to be loaded, and not loaded yet. */
  private readonly loading = new Set<Unfinished>();

  /** The number of submissions without an outcome. */
  get size(): number {
    return [...this.waiting, ...this.loading].reduce((sum, { count }) => sum + count, this.loaded);
  }

  add(compositions: readonly Unfinished[]): void {
    this.waiting = [...this.waiting, ...compositions].sort((a, b) => a.hour - b.hour);
  }

  /**
   * Removes and returns the composition to be loaded next; null if there is none, or enough is loaded.
   */
  next(): Unfinished | null {
    const next = this.loaded < WINDOW ? this.waiting.shift() : undefined;
    if (next) this.loading.add(next);
    return next ?? null;
  }

  load(composition: Unfinished, pending: readonly Pending[]): void {
    const loaded: Loaded = { composition, remaining: pending.length };
    for (const each of pending) {
      const fresh = { attempts: 0, company: MAX_BATCH, due: 0, expiredAt: null };
      this.ready.push({ pending: each, composition: loaded, ...fresh });
    }
    this.loading.delete(composition);
    this.loaded += pending.length;
    this.keepOrder();
  }

  /** The number of submissions that may be sent now. */
  due(now: number): number {
    this.wake(now);
    return this.ready.length;
  }

  /** The oldest hour that may be sent; null if nothing may. */
  firstHour(): Hour | null {
    return this.ready[0]?.pending.hour ?? null;
  }

  /** When the next submission is due; infinity if none waits. */
  get nextDue(): number {
    return this.deferred[0]?.due ?? Infinity;
  }

  /** Takes a batch from what may be sent now. */
  take(now: number): readonly Item[] {
    this.wake(now);
    let size = 0;
    let most = MAX_BATCH;
    for (const { company } of this.ready) {
      if (size >= Math.min(most, company)) break;
      most = Math.min(most, company);
      size++;
    }
    return this.ready.splice(0, size);
  }

  /** Gives back what may be sent at once. */
  putBack(items: readonly Item[]): void {
    this.ready.unshift(...items);
    this.keepOrder();
  }

  /** Gives back what must wait until its `due`. */
  defer(item: Item): void {
    const after = this.deferred.findLastIndex(({ due }) => due <= item.due);
    this.deferred.splice(after + 1, 0, item);
  }

  /** Forgets settled submissions, and returns the compositions that are finished by that. */
  settle(settled: readonly Item[]): readonly Unfinished[] {
    this.loaded -= settled.length;
    const finished: Unfinished[] = [];
    for (const { composition } of settled) {
      composition.remaining--;
      if (composition.remaining === 0) finished.push(composition.composition);
    }
    return finished;
  }

  private wake(now: number): void {
    if (this.nextDue > now) return;
    const asleep = this.deferred.findIndex(({ due }) => due > now);
    this.putBack(this.deferred.splice(0, asleep === -1 ? this.deferred.length : asleep));
  }

  private keepOrder(): void {
    this.ready.sort((a, b) => a.pending.hour - b.pending.hour); // stable; nearly sorted already
  }
}
