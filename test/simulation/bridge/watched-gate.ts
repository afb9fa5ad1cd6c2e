import type { Begun } from '../../../services/bridge/commerce/circuit.ts';
import { Gate, type Operation, type Pass } from '../../../services/bridge/commerce/gate.ts';
import type { Failure } from '../../../services/bridge/commerce/failure.ts';
import { violated } from '../violation.ts';

const MAX_IN_FLIGHT = 3;
/** After so many failures in a row one request at a time tries whether it is over. */
const OPEN_AFTER = 5;

/** The bridge's own gate, with somebody who counts whom it lets through. */
export class WatchedGate extends Gate {
  private inside = 0;
  /** Failures since the last success. */
  private readonly failures = { submit: 0, 'look-up': 0 };
  /** The one that tries whether Commerce is back. */
  private readonly trying: Record<Operation, Begun | null> = { submit: null, 'look-up': null };

  constructor(retryMillis: number, now: () => number) {
    super({ maxInFlight: MAX_IN_FLIGHT, retryMillis }, now);
  }

  /** What is wrong with the gate while nobody enters or leaves; null if nothing is. */
  problem(): string | null {
    const { inFlight, circuits } = this.status();
    if (inFlight !== this.inside) {
      return `${String(this.inside)} requests are in flight, and count as ${String(inFlight)}`;
    }
    for (const operation of ['submit', 'look-up'] as const) {
      const { state, failures } = circuits[operation];
      const known = this.failures[operation];
      const tried = this.trying[operation] === null ? 'open' : 'probing';
      const expected = known < OPEN_AFTER ? 'closed' : tried;
      if (failures !== known || state !== expected) {
        return `the circuit to ${operation} is ${state} after ${String(known)} failures, and not ${expected}`;
      }
    }
    return null;
  }

  protected override passFor(operation: Operation, begun: Begun): Pass {
    const { trying } = this;
    if (++this.inside > MAX_IN_FLIGHT) violated(`${String(this.inside)} requests are in flight`);
    if (this.failures[operation] >= OPEN_AFTER) {
      if (trying[operation]) violated(`several requests to ${operation} try at once`);
      trying[operation] = begun;
    }
    const ended = (failures: number): void => {
      this.inside--;
      this.failures[operation] = failures;
      if (failures === 0 || trying[operation] === begun) trying[operation] = null;
    };
    const pass = super.passFor(operation, begun);
    return {
      succeeded: () => {
        ended(0);
        pass.succeeded();
      },
      failed: (failure: Failure) => {
        ended(this.failures[operation] + 1);
        return pass.failed(failure);
      },
      left: () => {
        ended(this.failures[operation]);
        pass.left();
      },
    };
  }
}
