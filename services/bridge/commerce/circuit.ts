import type { Failure } from './failure.ts';

/** So many failures in a row, and only one request at a time is made to try whether it is over. */
const OPEN_AFTER = 5;
const FIRST_DELAY = 500;

/** A pause before the nth try: half a second, doubled each time up to the longest, less up to a half by chance. */
export const backoff = (attempts: number, longest: number): number => {
  const full = Math.min(longest, FIRST_DELAY * 2 ** (attempts - 1));
  return Math.ceil(full * (0.5 + Math.random() / 2));
};

/** - `closed`: all is well; `open`: nothing is asked; `probing`: one request tries whether it is over */
export type CircuitState = 'closed' | 'open' | 'probing';

/** A request on its way. */
export interface Begun {
  /** How many pauses there had been when it began. */
  readonly pauses: number;
}

/**
 * Whether Commerce may be asked, by what became of earlier requests.
 *
 * | what happens                                 | effect                                              |
 * |----------------------------------------------|-----------------------------------------------------|
 * | success                                      | closed; pauses begin with the shortest again        |
 * | failure to `wait` or `ask-a-person`          | a pause; those in flight together share one         |
 * | failure to `retry`                           | none: its batch waits by itself                     |
 * | the fifth failure in a row, of any kind      | open, and a pause                                   |
 * | the end of a pause while open                | one request is made; its failure is another pause   |
 */
export class Circuit {
  private readonly longest: number;
  private failures = 0;
  private pauses = 0;
  private pausedUntil = 0;
  /** The request that tries whether it is over. Others may have begun before it. */
  private probe: Begun | null = null;

  /** @param longest the longest pause, in milliseconds */
  constructor(longest: number) {
    this.longest = longest;
  }

  get state(): CircuitState {
    if (this.failures < OPEN_AFTER) return 'closed';
    return this.probe === null ? 'open' : 'probing';
  }

  get failed(): number {
    return this.failures;
  }

  /** Not before this instant is anything asked. */
  get notBefore(): number {
    return this.pausedUntil;
  }

  mayBegin(now: number): boolean {
    return now >= this.pausedUntil && this.probe === null;
  }

  begin(): Begun {
    const begun = { pauses: this.pauses };
    if (this.state === 'open') this.probe = begun;
    return begun;
  }

  succeeded(): void {
    this.failures = 0;
    this.pauses = 0;
    this.probe = null;
  }

  /** A request that was given up says nothing. */
  left(begun: Begun): void {
    if (begun === this.probe) this.probe = null;
  }

  /** Nothing is asked for so long, because Commerce wishes it. */
  wait(until: number): void {
    this.pausedUntil = Math.max(this.pausedUntil, until);
  }

  /** Returns the milliseconds of the pause that this failure begins; null if it begins none. */
  fail(begun: Begun, { handling, retryAfter }: Failure, now: number): number | null {
    this.failures++;
    this.left(begun);
    if (handling === 'retry' && this.state === 'closed') return null;
    if (begun.pauses !== this.pauses && retryAfter === null) return null;
    this.pauses++;
    const pause =
      retryAfter ??
      (handling === 'ask-a-person' ? this.longest : backoff(this.pauses, this.longest));
    this.wait(now + pause);
    return pause;
  }
}
