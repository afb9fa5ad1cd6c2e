import type { Hour } from '../../shared/model/time.ts';
import { Circuit, type Begun, type CircuitState } from './circuit.ts';
import type { Failure } from './failure.ts';

export type Operation = 'submit' | 'look-up';

export interface GateOptions {
  /** The most requests in flight at once. */
  readonly maxInFlight: number;
  /** The longest pause between two tries, in milliseconds. */
  readonly retryMillis: number;
}

/** The leave to make one request. Exactly one of its methods is called, once. */
export interface Pass {
  succeeded(): void;
  /** Returns the milliseconds of the pause that begins; null if none does. */
  failed(failure: Failure): number | null;
  /** The request was given up, or never made. */
  left(): void;
}

export interface GateStatus {
  readonly inFlight: number;
  /** By operation: whether Commerce is asked, and how many requests in a row have failed. */
  readonly circuits: Readonly<
    Record<Operation, { readonly state: CircuitState; readonly failures: number }>
  >;
}

interface Waiter {
  readonly operation: Operation;
  readonly hour: Hour;
  readonly admit: (pass: Pass | null) => void;
}

/**
 * The way of all partitions to Commerce: bounds what is in flight, and keeps from asking while Commerce is away. Who
 * has the oldest hour goes first; of the same hour, who has waited longest.
 */
export class Gate {
  private readonly options: GateOptions;
  private readonly now: () => number;
  private readonly circuits: Readonly<Record<Operation, Circuit>>;
  private waiters: readonly Waiter[] = [];
  private inFlight = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(options: GateOptions, now: () => number) {
    this.options = options;
    this.now = now;
    const { retryMillis } = options;
    this.circuits = { submit: new Circuit(retryMillis), 'look-up': new Circuit(retryMillis) };
  }

  status(): GateStatus {
    const of = ({ state, failed }: Circuit) => ({ state, failures: failed });
    return {
      inFlight: this.inFlight,
      circuits: { submit: of(this.circuits.submit), 'look-up': of(this.circuits['look-up']) },
    };
  }

  /** Whether Commerce has failed at this since it last succeeded. */
  isTroubled(operation: Operation): boolean {
    return this.circuits[operation].failed > 0;
  }

  /** Waits for the leave to make a request; null if the signal is aborted before. */
  async enter(operation: Operation, hour: Hour, signal: AbortSignal): Promise<Pass | null> {
    if (signal.aborted) return null;
    let waiter: Waiter | undefined;
    const giveUp = (): void => {
      this.waiters = this.waiters.filter((each) => each !== waiter);
      waiter?.admit(null);
      this.admit();
    };
    const pass = await new Promise<Pass | null>((admit) => {
      waiter = { operation, hour, admit };
      this.waiters = [...this.waiters, waiter];
      signal.addEventListener('abort', giveUp);
      this.admit();
    });
    signal.removeEventListener('abort', giveUp);
    return pass;
  }

  private admit(): void {
    clearTimeout(this.timer);
    if (this.waiters.length === 0) return;
    const now = this.now();
    for (let next = this.next(now); next !== null; next = this.next(now)) {
      const { operation, admit } = next;
      this.waiters = this.waiters.filter((waiter) => waiter !== next);
      this.inFlight++;
      admit(this.passFor(operation, this.circuits[operation].begin()));
    }
    if (this.inFlight >= this.options.maxInFlight) return;
    const ends = this.waiters
      .map(({ operation }) => this.circuits[operation].notBefore)
      .filter((end) => end > now);
    if (ends.length > 0) this.timer = setTimeout(() => this.admit(), Math.min(...ends) - now);
  }

  private next(now: number): Waiter | null {
    if (this.inFlight >= this.options.maxInFlight) return null;
    return this.waiters
      .filter(({ operation }) => this.circuits[operation].mayBegin(now))
      .reduce<Waiter | null>(
        (first, waiter) => (first !== null && first.hour <= waiter.hour ? first : waiter),
        null,
      );
  }

  protected passFor(operation: Operation, begun: Begun): Pass {
    const circuit = this.circuits[operation];
    const end = <T>(result: T): T => {
      this.inFlight--;
      this.admit();
      return result;
    };
    return {
      succeeded: () => {
        circuit.succeeded();
        end(null);
      },
      left: () => {
        circuit.left(begun);
        end(null);
      },
      failed: (failure) => {
        const now = this.now();
        const pause = circuit.fail(begun, failure, now);
        if (failure.retryAfter !== null) {
          // It is Commerce that is busy, and not one operation of it.
          for (const each of Object.values(this.circuits)) each.wait(now + failure.retryAfter);
        }
        return end(pause);
      },
    };
  }
}
