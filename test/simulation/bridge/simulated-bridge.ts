import type { Logger } from 'pino';
import { readCannotCarry } from '../../../services/bridge/cannot-carry.ts';
import { recoverLost, type ClosedSource } from '../../../services/bridge/recover-lost.ts';
import { CommerceClient } from '../../../services/bridge/commerce/commerce-client.ts';
import { staticToken } from '../../../services/shared/commerce/token-source.ts';
import { LogWorker } from '../../../services/bridge/log-worker.ts';
import type { WorkerOptions, WorkerPorts } from '../../../services/bridge/worker-ports.ts';
import { SourceRegister } from '../../../services/bridge/source-register.ts';
import { CarryLog } from '../../../services/shared/billing/carry-log.ts';
import { keyring, knowledgeOf } from '../../support/bridge/aggregates-log.ts';
import { Unanswered, type PortCalls } from '../port-calls.ts';
import { violated } from '../violation.ts';
import { LOG_PARTITIONS, type BridgeWorld } from './bridge-world.ts';
import type { Answered } from './simulated-commerce.ts';
import { WatchedGate } from './watched-gate.ts';

const TOPIC = 'usage.aggregates';

const silent = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  debug: () => undefined,
  child: () => silent,
} as unknown as Logger;

/** A partition that a bridge believes to own, and how far its reader is. */
export interface HeldLog {
  readonly partition: number;
  readonly worker: LogWorker;
  /** Where the next batch begins; null while nothing is wanted. */
  expected: number | null;
  /** Counts the seeks: what was begun before one does not act after it. */
  turn: number;
  /** Requests to the worker that it has not finished. */
  busy: number;
  closing: 'no' | 'asked' | 'done';
}

export interface BridgeProcessOptions extends WorkerOptions {
  /** How far its clock is ahead of Commerce's, in milliseconds. */
  readonly clockAhead: number;
  /** Records of a batch, at most. */
  readonly batch: number;
}

/** A process of the bridge: workers of log partitions, each with a reader. */
export class SimulatedBridge {
  readonly held = new Map<number, HeldLog>();
  readonly options: BridgeProcessOptions;
  /** What went wrong in it, for the schedule to find. */
  failure: unknown = null;
  private readonly world: BridgeWorld;
  private readonly calls: PortCalls;
  private readonly register: SourceRegister;
  private readonly clock: () => number;
  /** All of its partitions share one way to Commerce. */
  readonly gate: WatchedGate;
  private readonly commerce: CommerceClient;
  private readonly outbox: CarryLog;
  private isDead = false;

  constructor(url: string, world: BridgeWorld, calls: PortCalls, options: BridgeProcessOptions) {
    this.world = world;
    this.calls = calls;
    this.options = options;
    this.register = new SourceRegister(() => calls.read(this, () => world.sources));
    this.clock = () => world.now + options.clockAhead;
    this.gate = new WatchedGate(options.retryMillis, this.clock);
    this.commerce = new CommerceClient({
      url,
      tokens: staticToken(null),
      requestMillis: 600_000,
      additionalInfo: true,
    });
    this.outbox = new CarryLog(world.writerOf(calls, this), {
      topic: TOPIC,
      partitions: LOG_PARTITIONS,
      keyring,
      now: this.clock,
      movesTo: (carry) => this.register.movesTo(carry, carry.resourceUri),
    });
  }

  /** Its group reads the register anew from time to time. */
  refresh(): void {
    this.register.refresh().catch((error: unknown) => {
      if (!this.isDead && !(error instanceof Unanswered)) this.failure ??= error;
    });
  }

  /** The group has assigned a partition to it: a worker that it still has goes on. */
  assign(partition: number): void {
    const before = this.held.get(partition);
    if (before?.closing === 'no') {
      this.reposition(before);
      return;
    }
    const { decode } = knowledgeOf([]);
    const worker = new LogWorker(
      { topic: TOPIC, partition },
      { decode, keyring, partitions: LOG_PARTITIONS },
      this.ports(partition),
      this.options,
    );
    const held: HeldLog = { partition, worker, expected: null, turn: 0, busy: 0, closing: 'no' };
    this.held.set(partition, held);
    this.reposition(held);
  }

  /** It has learnt that the partition is another's. */
  unassign(held: HeldLog): void {
    held.worker.drop();
    this.held.delete(held.partition);
  }

  /** Everything in memory is gone; what it asked of others may still happen. */
  crash(): void {
    this.isDead = true;
    this.calls.abandon(this);
    this.held.clear();
  }

  /** Reads the next batch, if one is wanted and there is something to read. */
  read(held: HeldLog, size: number): boolean {
    const { expected } = held;
    const log = this.world.logs[held.partition];
    if (expected === null || held.closing !== 'no' || !log || expected >= log.high) return false;
    const { batches, next } = log.read(expected, size);
    const { turn } = held;
    held.expected = null;
    this.watch(held, held.worker.consume(batches), (goOn) => {
      if (held.turn === turn && goOn) held.expected = next;
    });
    return true;
  }

  /** Begins reading anew from the worker's position. */
  reposition(held: HeldLog): void {
    if (held.closing !== 'no') return;
    held.expected = null;
    const turn = ++held.turn;
    this.watch(held, held.worker.position(), (position) => {
      if (held.turn === turn && position !== null) held.expected = position;
    });
  }

  timer(held: HeldLog): void {
    this.watch(held, held.worker.onTimer(), () => undefined);
  }

  /** A graceful stop of one partition. */
  close(held: HeldLog): void {
    held.closing = 'asked';
    this.watch(held, held.worker.close(), () => {
      held.closing = 'done';
    });
  }

  /** What its client's `fetch` does. */
  fetch(url: URL, init: RequestInit): Promise<Answered> {
    const body = typeof init.body === 'string' ? init.body : null;
    const { commerce } = this.world;
    const ask = async (): Promise<Answered> => {
      for (let waits = commerce.waits(); waits > 0; waits--) {
        await this.calls.read(this, () => undefined);
      }
      return this.calls.write(this, () => commerce.handle(init.method ?? 'GET', url, body));
    };
    const answered = ask().catch((error: unknown) => {
      if (!(error instanceof Unanswered)) throw error;
      throw new TypeError('fetch failed', { cause: new Error('the connection was reset') });
    });
    const { signal } = init;
    if (!signal) return answered;
    const aborted = new Promise<never>((_, reject) => {
      const abort = (): void => reject(signal.reason as Error);
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort);
    });
    return Promise.race([answered, aborted]);
  }

  private closed(): readonly ClosedSource[] {
    return this.world.publishers.map(({ at, next }) => {
      return { ...at, openHour: next, restated: new Set() };
    });
  }

  private watch<T>(held: HeldLog, work: Promise<T>, then: (result: T) => void): void {
    held.busy++;
    work
      .then((result) => {
        held.busy--;
        if (this.isDead) return;
        const { halt } = held.worker.status();
        if (halt) violated(`partition ${String(held.partition)} halted: ${halt.code}`);
        then(result);
      })
      .catch((error: unknown) => {
        if (!this.isDead) this.failure ??= error;
      });
  }

  private ports(partition: number): WorkerPorts {
    const { world, calls, register } = this;
    const store = world.store.portOf(calls, this);
    return {
      store,
      register,
      recover: (of, composed) =>
        recoverLost(of, LOG_PARTITIONS, {
          sources: register.known,
          composed,
          usage: {
            closed: () => calls.read(this, () => this.closed()),
            waitingCarries: () => calls.read(this, () => world.store.waitingCarries()),
            // What it publishes is known here by the hour alone.
            windowsInOrder: () => [],
          },
          // In one request: of many, each of which may fail, hardly all would succeed.
          publish: (place, hours) =>
            calls.write(this, () => {
              for (const { hour } of hours) world.publisherOf(place).publishWhole(hour);
            }),
          outbox: this.outbox,
        }),
      log: {
        bounds: (at) =>
          calls.read(this, () => {
            const { low, high } = world.logs[at.partition] ?? { low: 0, high: 0 };
            return { low, high };
          }),
      },
      sender: {
        commerce: this.commerce,
        gate: this.gate,
        outbox: this.outbox,
        cannotCarry: () => readCannotCarry(register, () => store.terms()),
      },
      logger: silent,
      now: this.clock,
      persist: async (_what, step, signal) => {
        for (;;) {
          signal.throwIfAborted();
          try {
            return await step();
          } catch (error) {
            if (!(error instanceof Unanswered)) throw error;
          }
        }
      },
      report: (offset) => {
        if (this.isDead) return;
        try {
          world.oracle.reported(partition, offset);
        } catch (error) {
          this.failure ??= error;
        }
      },
      onCrash: (error) => {
        if (!this.isDead) this.failure ??= error;
      },
    };
  }
}
