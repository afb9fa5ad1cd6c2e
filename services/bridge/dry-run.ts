import { randomUUID } from 'node:crypto';
import { MAX_BATCH } from './commerce/usage-message.ts';
import type { Pending, RequestRecord, Unfinished } from './ports.ts';
import type { SenderPorts, SenderStatus } from './sender-ports.ts';

export interface DryRunPorts extends Pick<
  SenderPorts,
  'partition' | 'store' | 'now' | 'logger' | 'persist'
> {
  /** What would be sent for a batch. */
  readonly bodyOf: (batch: readonly Pending[]) => string;
}

/**
 * Takes the place of the sender where an operator wants to see first what the bridge would send: records each request
 * with its body, and asks Commerce nothing. So its submissions stay without an outcome. A bridge that sends finds
 * them so, and sends them, or carries what Commerce no longer takes: nothing is lost, and nothing is sent twice.
 */
export class DryRun {
  private readonly ports: DryRunPorts;
  private readonly dropped = new AbortController();
  private waiting: readonly Unfinished[] = [];
  private recorded = 0;
  private stopping = false;
  private running: Promise<void> | null = null;
  /** Null before the start. */
  private onCrash: ((error: Error) => void) | null = null;

  constructor(ports: DryRunPorts) {
    this.ports = ports;
  }

  /** @param onCrash called when a defect has ended it */
  start(onCrash: (error: Error) => void): void {
    this.onCrash = onCrash;
    this.work();
  }

  /** Adds stored compositions. */
  add(compositions: readonly Unfinished[]): void {
    this.waiting = [...this.waiting, ...compositions];
    this.work();
  }

  status(): SenderStatus {
    const waiting = this.waiting.reduce((sum, { count }) => sum + count, 0);
    return { pending: this.recorded + waiting, lastError: null, notSentFor: 0 };
  }

  /** Ends when the composition in hand is recorded. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  /** Ends at once. */
  drop(): void {
    this.stopping = true;
    this.dropped.abort();
  }

  private work(): void {
    const { onCrash } = this;
    if (onCrash === null || this.running !== null || this.stopping) return;
    if (this.waiting.length === 0) return;
    this.running = this.recordAll().then(
      () => {
        this.running = null;
        this.work(); // something may have been added at the last moment
      },
      (error: unknown) => {
        if (!this.dropped.signal.aborted) onCrash(error as Error);
      },
    );
  }

  private async recordAll(): Promise<void> {
    const { store, partition, logger } = this.ports;
    for (let [next] = this.waiting; next !== undefined && !this.stopping; [next] = this.waiting) {
      const composition = next;
      const pending = await this.persist('read submissions', () => store.pendingOf(composition));
      const requests = this.requestsOf(pending);
      if (requests.length > 0) {
        await this.persist('record requests', () => store.writeRequests(partition, requests));
      }
      this.waiting = this.waiting.slice(1);
      this.recorded += pending.length;
      logger.info(
        { submissions: pending.length },
        'recorded what would be sent: this is a dry run',
      );
    }
  }

  private requestsOf(pending: readonly Pending[]): readonly RequestRecord[] {
    const requests: RequestRecord[] = [];
    for (let from = 0; from < pending.length; from += MAX_BATCH) {
      const batch = pending.slice(from, from + MAX_BATCH);
      const submissionIds = batch.map(({ submission }) => submission.submissionId);
      requests.push({
        operation: 'dry-run',
        requestId: randomUUID(),
        correlationId: submissionIds[0] ?? '',
        sentAt: this.ports.now(),
        submissionIds,
        body: this.ports.bodyOf(batch),
      });
    }
    return requests;
  }

  private persist<T>(what: string, step: () => Promise<T>): Promise<T> {
    return this.ports.persist(what, step, this.dropped.signal);
  }
}
