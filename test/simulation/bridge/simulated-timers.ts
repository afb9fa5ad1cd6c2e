import type { Random } from '../../support/workload/random.ts';

interface Waiting {
  readonly at: number;
  readonly run: () => void;
}

/** The clock of a schedule, with everything that waits for it. It stands still until somebody moves it on. */
export class SimulatedTimers {
  now: number;
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;

  constructor(now: number) {
    this.now = now;
  }

  get isWaitedFor(): boolean {
    return this.waiting.size > 0;
  }

  set(run: () => void, millis: number): number {
    const id = ++this.last;
    this.waiting.set(id, { at: this.now + Math.max(0, millis), run });
    return id;
  }

  clear(id: number): void {
    this.waiting.delete(id);
  }

  /** Moves the clock on to the first instant that somebody waits for. */
  fireNext(): void {
    let first: [number, Waiting] | null = null;
    for (const each of this.waiting) if (!first || each[1].at < first[1].at) first = each;
    if (!first) return;
    const [id, { at, run }] = first;
    this.waiting.delete(id);
    this.now = Math.max(this.now, at);
    run();
  }
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its `this` below
const realTimeout = AbortSignal.timeout;

const REAL = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  random: Math.random,
  timeout: (millis: number) => realTimeout.call(AbortSignal, millis),
};

/** No request ends by its time here: it is answered, or its answer is lost. */
const NEVER = new AbortController().signal;

/** The product waits and draws by these from here on, until `putBack`. */
export const takeOver = (timers: SimulatedTimers, random: Random): void => {
  globalThis.setTimeout = ((run: () => void, millis = 0) =>
    timers.set(run, millis)) as unknown as typeof setTimeout;
  globalThis.clearTimeout = ((id?: number) => {
    if (id !== undefined) timers.clear(id);
  }) as unknown as typeof clearTimeout;
  Math.random = () => random.fraction();
  AbortSignal.timeout = () => NEVER;
};

export const putBack = (): void => {
  globalThis.setTimeout = REAL.setTimeout;
  globalThis.clearTimeout = REAL.clearTimeout;
  Math.random = REAL.random;
  AbortSignal.timeout = REAL.timeout;
};
