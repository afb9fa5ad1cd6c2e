import { inKeyOrder } from '../../../services/shared/usage-fold/closed-hour.ts';
import type { AcceptedLoss } from '../../../services/shared/usage-fold/loss.ts';
import { windowKey, type Window } from '../../../services/shared/usage-fold/window.ts';
import type { Outbox, Store } from '../../../services/aggregator/ports.ts';
import { millis, type Millis } from '../../../services/shared/model/time.ts';
import type { StoredWorld } from './stored-world.ts';

/**
 * A stored world as an owner's ports. Every write is noted in `writes`, in its order; a write that
 * `fails` names is refused.
 */
export class WorldPorts {
  readonly world: StoredWorld;
  readonly writes: string[] = [];
  /** A loss that a person has accepted. */
  loss: AcceptedLoss | null = null;
  fails: string | null = null;

  constructor(world: StoredWorld) {
    this.world = world;
  }

  get store(): Store {
    const { world } = this;
    return {
      checkpoint: () => Promise.resolve(world.checkpoint),
      windows: (_place, reportedHour) => Promise.resolve(world.openWindows(reportedHour)),
      storedWindows: (_place, reportedHour, identities) => {
        const keys = new Set(identities.map(windowKey));
        const windows = world.openWindows(reportedHour);
        return Promise.resolve(windows.filter((window) => keys.has(windowKey(window))));
      },
      windowsInOrder: async function* (_place, reportedHour) {
        yield await Promise.resolve(inKeyOrder(world.openWindows(reportedHour)));
      },
      ledgerTail: (_place, checkpoint) => Promise.resolve(world.tail(checkpoint)),
      loss: () => Promise.resolve(this.loss),
      remnants: (_place, from, to) => Promise.resolve(world.remnants(from, to)),
      eventTables: (_place, hours) =>
        Promise.resolve(new Map(hours.map((hour) => [hour, world.eventTable(hour)]))),
      writeLedger: (_place, chunks) =>
        this.write('ledger', () => {
          world.writeLedger(chunks.flatMap(({ ledger }) => [...ledger]));
        }),
      writeWindows: (_place, chunks) =>
        this.write('windows', () => {
          for (const chunk of chunks) world.writeWindows(chunk);
        }),
      writeDeadLetters: (_place, letters) =>
        this.write('dead letters', () => world.writeDeadLetters(letters)),
      rollUpDays: () => this.write('days', () => undefined),
      writeCheckpoint: (checkpoint) =>
        this.write('checkpoint', () => world.writeCheckpoint(checkpoint)),
    };
  }

  get outbox(): Outbox {
    return {
      publishDeadLetters: () => this.write('dead letters out', () => undefined),
      publishClosedHours: async (_place, hours) => {
        for (const { hour, windows: parts } of hours) {
          const windows: Window[] = [];
          for await (const part of parts()) windows.push(...part);
          await this.write('closed hour', () => this.world.publish(hour, windows));
        }
      },
      appendTick: async (): Promise<Millis> => {
        await this.write('tick', () => undefined);
        return millis(0);
      },
    };
  }

  private write(what: string, apply: () => void): Promise<void> {
    if (this.fails === what) return Promise.reject(new Error(`${what} cannot be written`));
    this.writes.push(what);
    apply();
    return Promise.resolve();
  }
}
