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
  private readonly probes = { submit: 0, 'look-up': 0 };
  /** Failures since the last success. */
  readonly failures = { submit: 0, 'look-up': 0 };

  constructor(retryMillis: number, now: () => number) {
    super({ maxInFlight: MAX_IN_FLIGHT, retryMillis }, now);
  }

  /** What is wrong with the circuits when all is quiet; null if nothing is. */
  problem(): string | null {
    const { circuits } = this.status();
    for (const operation of ['submit', 'look-up'] as const) {
      const { state, failures } = circuits[operation];
      const known = this.failures[operation];
      if (failures !== known || (state === 'closed') !== known < OPEN_AFTER) {
        return `the circuit to ${operation} is ${state} after ${String(known)} failures`;
      }
    }
    return null;
  }

  protected override passFor(operation: Operation, begun: Begun): Pass {
    const isProbe = this.failures[operation] >= OPEN_AFTER;
    if (++this.inside > MAX_IN_FLIGHT) violated(`${String(this.inside)} requests are in flight`);
    if (isProbe && ++this.probes[operation] > 1) {
      violated(`several requests to ${operation} try at once whether Commerce is back`);
    }
    const ended = (failures: number): void => {
      this.inside--;
      this.failures[operation] = failures;
      if (isProbe) this.probes[operation]--;
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
