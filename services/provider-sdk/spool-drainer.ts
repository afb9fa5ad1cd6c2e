import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { NewRecord } from '../shared/kafka/new-record.ts';
import { partitionOfKey } from '../shared/model/placement.ts';
import { messageOf } from '../shared/process/errors.ts';
import { ProviderClosed } from './provider-errors.ts';
import type { Spool, SpooledRecord, SpoolStatus } from './spool/spool.ts';
import { allSettled } from './pending.ts';

export interface DrainerParts {
  readonly spool: Pick<Spool, 'next' | 'done'> & {
    status(): Pick<SpoolStatus, 'waitingRecords'>;
  };
  /** The number of partitions. Throws while no broker answers. */
  partitions(): Promise<number>;
  append(partition: number, records: readonly NewRecord[], giveUp: AbortSignal): Promise<void>;
  readonly maxBatchBytes: number;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly sleep?: (millis: number) => Promise<void>;
}

/** Somebody who waits until so many records are sent. */
interface Waiter {
  readonly target: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const FIRST_DELAY = 100;
const MAX_DELAY = 5_000;
const QUIET_FAILURES = 2;

/**
 * Sends what is in a spool, in order, for as long as it takes. Whatever could not be sent is sent again: the
 * same events count once.
 */
export class SpoolDrainer {
  private readonly parts: DrainerParts;
  private readonly stopped = new AbortController();
  private readonly running: Promise<void>;
  private wakeUp: (() => void) | null = null;
  private isAwake = true;
  private failure: string | null = null;
  private sent = 0;
  private waiters: Waiter[] = [];

  constructor(parts: DrainerParts) {
    this.parts = parts;
    this.running = this.run();
  }

  /** Why the last attempt failed; null after one that succeeded. */
  get problem(): string | null {
    return this.failure;
  }

  get sentRecords(): number {
    return this.sent;
  }

  /** Something is in the spool. */
  wake(): void {
    this.isAwake = true;
    this.wakeUp?.();
  }

  /**
   * Resolves when everything that waits in the spool now was sent, which may take as long as the broker is away.
   * @throws ProviderClosed if it was stopped before
   */
  drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      const target = this.sent + this.parts.spool.status().waitingRecords;
      this.waiters.push({ target, resolve, reject });
      this.wake();
    });
  }

  /** What is on its way is given up: it stays in the spool. */
  async stop(): Promise<void> {
    this.stopped.abort();
    this.wake();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped;
    const isStopped = (): boolean => signal.aborted;
    for (let failures = 0; !isStopped();) {
      try {
        await this.sendAll(signal);
        failures = 0;
        await this.untilWoken();
      } catch (error) {
        if (isStopped()) break;
        failures++;
        this.failure = messageOf(error);
        const level = failures <= QUIET_FAILURES ? 'info' : 'warn';
        const fields = { attempt: failures, reason: this.failure };
        this.parts.logger[level](fields, 'could not send what is in the spool; trying again');
        await this.pause(Math.min(MAX_DELAY, FIRST_DELAY * 2 ** (failures - 1)));
      }
    }
    for (const { reject } of this.waiters.splice(0)) reject(new ProviderClosed());
  }

  private tell(isEmpty: boolean): void {
    const isReached = ({ target }: Waiter): boolean => isEmpty || target <= this.sent;
    for (const { resolve } of this.waiters.filter(isReached)) resolve();
    this.waiters = this.waiters.filter((waiter) => !isReached(waiter));
  }

  /** Returns when the spool is empty. */
  private async sendAll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.isAwake = false;
      const records = await this.parts.spool.next(this.parts.maxBatchBytes);
      if (records.length === 0) {
        this.tell(true);
        return;
      }
      await this.send(records, signal);
      // First: whoever begins to wait in between must not take these for records that wait.
      this.sent += records.length;
      await this.parts.spool.done(records.length);
      this.failure = null;
      this.tell(false);
    }
  }

  private async send(records: readonly SpooledRecord[], signal: AbortSignal): Promise<void> {
    const partitions = await this.parts.partitions();
    const batches = new Map<number, NewRecord[]>();
    for (const { key, value } of records) {
      const partition = partitionOfKey(key, partitions);
      const batch = batches.get(partition) ?? [];
      batch.push({ key, value: Buffer.from(value.buffer, value.byteOffset, value.byteLength) });
      batches.set(partition, batch);
    }
    const sent = [...batches].map(([partition, batch]) =>
      this.parts.append(partition, batch, signal),
    );
    // None may be on its way when the same partition is written again.
    await allSettled(sent);
  }

  private async untilWoken(): Promise<void> {
    if (this.isAwake) return;
    await new Promise<void>((resolve) => {
      this.wakeUp = resolve;
    });
    this.wakeUp = null;
  }

  private async pause(millis: number): Promise<void> {
    const { sleep = (wanted: number) => sleepFor(wanted, null, { signal: this.stopped.signal }) } =
      this.parts;
    await sleep(millis).catch(() => undefined); // told to stop
  }
}
