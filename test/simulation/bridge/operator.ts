import {
  carryUnbilled,
  type CarryPorts,
} from '../../../services/operations/carries/carry-unbilled.ts';
import { keyring } from '../../support/bridge/aggregates-log.ts';
import { Unanswered, type PortCalls } from '../port-calls.ts';
import { LOG_PARTITIONS, type BridgeWorld } from './bridge-world.ts';

/** Somebody who runs `usagectl bridge release` and `resubmit`, and whose commands may fail half-way. */
export class Operator {
  /** What went wrong in a command, for the schedule to find. */
  failure: unknown = null;
  commands = 0;
  /** Dead letters that Commerce turned out to have accepted. */
  foundAccepted = 0;
  private readonly world: BridgeWorld;
  private readonly calls: PortCalls;
  /** How long each log was when each of the commands began that still run. */
  private readonly running = new Set<readonly number[]>();

  constructor(world: BridgeWorld, calls: PortCalls) {
    this.world = world;
    this.calls = calls;
  }

  get isBusy(): boolean {
    return this.running.size > 0;
  }

  /**
   * From this offset on, a log still has what its commands have written. A command appends a carry, then records that it
   * is carried. If the log lost the carry in between, neither the log nor the tables would have it when the log is
   * recovered. A command would have to be frozen for longer than the topic is kept, as a bridge would (ADR 13).
   */
  neededFrom(partition: number): number {
    return Math.min(...[...this.running].map((ends) => ends[partition] ?? 0));
  }

  /** @param clockAhead how far the clock of the command's machine is ahead, in milliseconds */
  run(outcome: 'held' | 'dead-lettered', clockAhead: number): void {
    const ends = this.world.logs.map(({ high }) => high);
    this.running.add(ends);
    this.commands++;
    const filter = { outcome, code: null, meter: null, from: null, end: null };
    carryUnbilled(this.ports(clockAhead), { filter, atOnce: false, dryRun: false, reason: 'test' })
      .then((planned) => {
        this.foundAccepted += planned.filter(({ plan }) => plan.kind === 'at-commerce').length;
      })
      .catch((error: unknown) => {
        if (!(error instanceof Unanswered)) this.failure ??= error;
      })
      .finally(() => {
        this.running.delete(ends);
      });
  }

  private ports(clockAhead: number): CarryPorts {
    const { world, calls } = this;
    const store = world.store.portOf(calls, this);
    return {
      unbilled: ({ outcome }) => calls.read(this, () => world.store.unbilled(outcome)),
      terms: () => store.terms(),
      sources: () => calls.read(this, () => world.sources),
      holdingsSince: (since) =>
        calls.read(this, () => {
          if (world.commerce.isAway) throw new Unanswered();
          return world.commerce.holdingsNow().filter(({ hour }) => hour >= since);
        }),
      writer: world.writerOf(calls, this),
      keyring,
      topic: 'usage.aggregates',
      partitions: LOG_PARTITIONS,
      writeOutcomes: (outcomes) => store.writeOutcomes(outcomes),
      record: () => calls.write(this, () => undefined),
      now: () => world.now + clockAhead,
    };
  }
}
