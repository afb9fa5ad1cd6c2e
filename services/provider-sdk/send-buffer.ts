import type { NewRecord } from '../shared/kafka/new-record.ts';
import { Pending } from './pending.ts';

/** A record, and the partition where it belongs. */
export interface PlacedRecord {
  readonly partition: number;
  readonly record: NewRecord;
  /** What it takes in memory. */
  readonly bytes: number;
}

export interface SendBufferParts {
  /** Appends a batch, or throws when it is told to give up. Never called twice at once for a partition. */
  append(partition: number, records: readonly NewRecord[], giveUp: AbortSignal): Promise<void>;
  readonly maxBytes: number;
  readonly maxBatchBytes: number;
  /** How long a batch is tried. */
  readonly giveUpMillis: number;
}

/** The records of one call of `add`. */
interface Call {
  left: number;
  readonly settle: (error: Error | null) => void;
}

interface Entry extends PlacedRecord {
  readonly call: Call;
}

/**
 * Holds records until the broker has them, within a bound on memory. Each partition has a queue of its own and
 * one batch on its way: whatever comes meanwhile is in the next batch. A partition that cannot be written does
 * not stop the others.
 */
export class SendBuffer {
  private readonly parts: SendBufferParts;
  private readonly queues = new Map<number, Entry[]>();
  private readonly running = new Set<AbortController>();
  private readonly pending = new Pending();
  private readonly waiting: { readonly bytes: number; readonly enter: () => void }[] = [];
  private isHurried = false;
  private held = 0;
  private count = 0;

  constructor(parts: SendBufferParts) {
    this.parts = parts;
  }

  get heldBytes(): number {
    return this.held;
  }

  get heldRecords(): number {
    return this.count;
  }

  /** Calls that wait for room. */
  get waitingCalls(): number {
    return this.waiting.length;
  }

  /** Waits for room, and resolves when all records are appended. */
  add(records: readonly PlacedRecord[]): Promise<void> {
    return records.length === 0 ? Promise.resolve() : this.pending.add(this.enter(records));
  }

  /**
   * Resolves when everything that was added before is appended.
   * @throws if something of it was not
   */
  flush(): Promise<void> {
    return this.pending.settled();
  }

  /** Gives up whatever is not appended by then. */
  hurry(): void {
    this.isHurried = true;
    for (const batch of this.running) batch.abort();
  }

  private async enter(records: readonly PlacedRecord[]): Promise<void> {
    const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
    if (this.waiting.length === 0 && this.fits(bytes)) this.held += bytes;
    else await new Promise<void>((enter) => this.waiting.push({ bytes, enter }));
    this.count += records.length;
    await new Promise<void>((resolve, reject) => {
      const settle = (error: Error | null): void => {
        if (error === null) resolve();
        else reject(error);
      };
      const call = { left: records.length, settle };
      for (const placed of records) this.enqueue({ ...placed, call });
    });
  }

  /** What is larger than the bound goes alone. */
  private fits(bytes: number): boolean {
    return this.held === 0 || this.held + bytes <= this.parts.maxBytes;
  }

  private enqueue(entry: Entry): void {
    const queue = this.queues.get(entry.partition);
    if (queue) {
      queue.push(entry);
      return;
    }
    const begun = [entry];
    this.queues.set(entry.partition, begun);
    // What is added in the same turn of the event loop is in the first batch, too.
    setImmediate(() => void this.send(entry.partition, begun));
  }

  /** Sends what is in a queue until it is empty. It never rejects. */
  private async send(partition: number, queue: Entry[]): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.splice(0, this.batchLength(queue));
      const error = await this.append(partition, batch);
      // What waits behind a batch that was given up would have to wait as long again.
      this.settle(error === null ? batch : batch.concat(queue.splice(0)), error);
    }
    this.queues.delete(partition);
  }

  private batchLength(queue: readonly Entry[]): number {
    let bytes = 0;
    let length = 0;
    for (const entry of queue) {
      bytes += entry.bytes;
      if (length > 0 && bytes > this.parts.maxBatchBytes) break;
      length++;
    }
    return length;
  }

  /** Why the batch was not appended; null if it was. */
  private async append(partition: number, batch: readonly Entry[]): Promise<Error | null> {
    const giveUp = new AbortController();
    const timer = setTimeout(() => {
      giveUp.abort();
    }, this.parts.giveUpMillis);
    if (this.isHurried) giveUp.abort();
    this.running.add(giveUp);
    try {
      const records = batch.map(({ record }) => record);
      await this.parts.append(partition, records, giveUp.signal);
      return null;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      clearTimeout(timer);
      this.running.delete(giveUp);
    }
  }

  private settle(entries: readonly Entry[], error: Error | null): void {
    for (const { call, bytes } of entries) {
      this.held -= bytes;
      this.count--;
      call.left--;
      if (error !== null || call.left === 0) call.settle(error);
    }
    for (let first = this.waiting[0]; first && this.fits(first.bytes); first = this.waiting[0]) {
      this.waiting.shift();
      this.held += first.bytes;
      first.enter();
    }
  }
}
