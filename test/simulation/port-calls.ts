import type { Random } from '../support/workload/random.ts';

/** What a port throws where the answer was lost: the caller cannot know whether it was done. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

/** One for all: making an error takes longer than most requests. */
const LOST = new Unanswered();

/** A request of an owner that has not been answered. */
interface PortCall {
  readonly owner: object;
  readonly isWrite: boolean;
  readonly apply: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** How often which kind of fault was injected. */
export interface Faults {
  refused: number;
  answersLost: number;
  lateWrites: number;
  lateAnswers: number;
}

/**
 * Every request of every owner to the store and to the log waits here until the schedule lets it
 * happen. A request that its owner no longer waits for may still happen: late, or never.
 */
export class PortCalls {
  readonly faults: Faults = { refused: 0, answersLost: 0, lateWrites: 0, lateAnswers: 0 };
  private waiting: PortCall[] = [];
  private late: (() => unknown)[] = [];
  private readonly random: Random;
  private readonly faultRate: number;
  /** Owners that meet no faults. */
  private readonly safe = new WeakSet();
  private readonly dead = new WeakSet();

  constructor(random: Random, faultRate: number) {
    this.random = random;
    this.faultRate = faultRate;
  }

  get hasWaiting(): boolean {
    return this.waiting.length > 0;
  }

  get hasLate(): boolean {
    return this.late.length > 0;
  }

  keepSafe(owner: object): void {
    this.safe.add(owner);
  }

  read<T>(owner: object, apply: () => T): Promise<T> {
    return this.call(owner, false, apply);
  }

  write<T>(owner: object, apply: () => T): Promise<T> {
    return this.call(owner, true, apply);
  }

  /** Lets one of the waiting requests happen, somehow. */
  step(): void {
    const { random, waiting, faults } = this;
    const at = random.below(waiting.length);
    const call = waiting[at];
    if (!call) throw new Error('no request is waiting');
    waiting.splice(at, 1);
    if (this.safe.has(call.owner) || !random.chance(this.faultRate)) {
      answer(call);
      return;
    }
    const kind = random.below(call.isWrite ? 4 : 1);
    if (kind === 0) faults.refused++;
    if (kind === 1) {
      faults.answersLost++;
      attempt(call.apply);
    }
    if (kind === 2) {
      faults.lateWrites++;
      this.late.push(call.apply);
    }
    if (kind < 3) {
      call.reject(LOST);
      return;
    }
    faults.lateAnswers++;
    const value = attempt(call.apply);
    const apply = (): unknown => {
      if (value instanceof Unanswered) throw value;
      return value;
    };
    waiting.push({ ...call, isWrite: false, apply });
  }

  /** Lets a write happen that nobody waits for any more. */
  stepLate(): void {
    const [apply] = this.late.splice(this.random.below(this.late.length), 1);
    if (apply) attempt(apply);
  }

  /** An owner has died: what it asked for may still be on its way. It asks for nothing more. */
  abandon(owner: object): void {
    this.dead.add(owner);
    const orphaned = this.waiting.filter((call) => call.owner === owner);
    this.waiting = this.waiting.filter((call) => call.owner !== owner);
    for (const { isWrite, apply } of orphaned) {
      if (isWrite && this.random.chance(0.5)) {
        this.faults.lateWrites++;
        this.late.push(apply);
      }
    }
  }

  private call<T>(owner: object, isWrite: boolean, apply: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.dead.has(owner)) return;
      this.waiting.push({
        owner,
        isWrite,
        apply,
        resolve: resolve as (value: unknown) => void,
        reject,
      });
    });
  }
}

const answer = (call: PortCall): void => {
  const value = attempt(call.apply);
  if (value instanceof Unanswered) call.reject(value);
  else call.resolve(value);
};

/** A write to what is not there fails; any other error is the schedule's. */
const attempt = (apply: () => unknown): unknown => {
  try {
    return apply();
  } catch (error) {
    if (error instanceof Unanswered) return error;
    throw error;
  }
};
