import type { Logger } from 'pino';
import type { Halt } from '../../services/shared/usage-fold/halt.ts';
import type { Knowledge } from '../../services/shared/usage-fold/knowledge.ts';
import type { Place } from '../../services/shared/usage-fold/place.ts';
import { KafkaOutbox } from '../../services/aggregator/kafka/kafka-outbox.ts';
import {
  PartitionWorker,
  type WorkerOptions,
  type WorkerPorts,
} from '../../services/aggregator/partition-worker.ts';
import { readSchemaDirectory } from '../../services/shared/avro/schema-directory.ts';
import { hourPartEncoder } from '../../services/shared/avro/hour-part-codec.ts';
import type { LogWriter } from '../../services/shared/kafka/log-writer.ts';
import { OUT_PARTITIONS } from '../../services/shared/sources/check-topics.ts';
import { partitionName } from '../../services/shared/model/source.ts';
import { keyring } from '../support/fold/fixtures.ts';
import { Unanswered, type PortCalls } from './port-calls.ts';
import type { SimulatedLog } from './simulated-log.ts';
import { violated } from './violation.ts';
import { AGGREGATES, DEAD_LETTERS, type World } from './world.ts';

const encode = hourPartEncoder(readSchemaDirectory());

const silent = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  debug: () => undefined,
  child: () => silent,
} as unknown as Logger;

/** A partition that a process believes to own, and how far its reader is (as in `GroupReader`). */
export interface Held {
  readonly place: Place;
  readonly owner: PartitionWorker;
  /** Where the next batch begins; null while nothing is wanted. */
  expected: number | null;
  /** Counts the seeks: what was begun before one does not act after it. */
  turn: number;
  /** Requests to the owner that it has not finished. */
  busy: number;
  /** The log that is read: another one after its topic was re-created. */
  log: SimulatedLog | null;
  closing: 'no' | 'asked' | 'done';
}

export interface ProcessOptions extends WorkerOptions {
  /** How far its clock is ahead of the broker's, in milliseconds. */
  readonly clockAhead: number;
  /** Records of a batch, at most. */
  readonly batch: number;
}

/** A process of the aggregator: owners of partitions, each with a reader of its log. */
export class SimulatedProcess {
  readonly held = new Map<string, Held>();
  readonly options: ProcessOptions;
  private readonly world: World;
  private readonly calls: PortCalls;
  private readonly knowledge: Knowledge;
  private isDead = false;
  /** What went wrong in it, for the schedule to find. */
  failure: unknown = null;

  constructor(world: World, calls: PortCalls, knowledge: Knowledge, options: ProcessOptions) {
    this.world = world;
    this.calls = calls;
    this.knowledge = knowledge;
    this.options = options;
  }

  /** The group has assigned a partition to it: a worker that it still has goes on. */
  assign(place: Place): void {
    const name = partitionName(place);
    const before = this.held.get(name);
    if (before?.closing === 'no') {
      this.reposition(before);
      return;
    }
    const owner = new PartitionWorker(place, this.knowledge, this.ports(), this.options);
    const held: Held = { place, owner, expected: null, turn: 0, busy: 0, log: null, closing: 'no' };
    this.held.set(name, held);
    this.reposition(held);
  }

  /** It has learnt that the partition is another's. */
  unassign(held: Held): void {
    held.owner.drop();
    this.held.delete(partitionName(held.place));
  }

  /** Everything in memory is gone; what it asked of others may still happen. */
  crash(): void {
    this.isDead = true;
    this.calls.abandon(this);
    this.held.clear();
  }

  /** Reads the next batch, where one is wanted and there is something to read. */
  read(held: Held, size: number): boolean {
    const { expected } = held;
    if (expected === null || held.closing !== 'no') return false;
    const log = this.world.currentLog(held.place);
    if (log !== held.log) {
      this.reposition(held); // fetching failed for a while, or nobody was there to fetch
      return true;
    }
    if (log === null || expected >= log.high) return false;
    const { batches, next } = log.read(expected, size);
    const { turn } = held;
    held.expected = null;
    this.watch(held, held.owner.consume(batches, next), (goOn) => {
      if (held.turn === turn && goOn) held.expected = next;
    });
    return true;
  }

  /** Begins reading anew from the owner's position: after a pause, a reassignment, every minute. */
  reposition(held: Held): void {
    if (held.closing !== 'no') return;
    held.expected = null;
    held.log = this.world.currentLog(held.place);
    const turn = ++held.turn;
    this.watch(held, held.owner.position(), (position) => {
      if (held.turn === turn && position !== null) held.expected = position;
    });
  }

  timer(held: Held): void {
    this.watch(held, held.owner.onTimer(), () => undefined);
  }

  /** A graceful stop of one partition. */
  close(held: Held): void {
    held.closing = 'asked';
    this.watch(held, held.owner.close(), () => {
      held.closing = 'done';
    });
  }

  /** Whether it has taken all that its log holds. */
  isAtEnd({ place, expected, busy }: Held): boolean {
    return busy === 0 && expected === this.world.topicOf(place).log.high;
  }

  private watch<T>(held: Held, work: Promise<T>, then: (result: T) => void): void {
    held.busy++;
    work
      .then((result) => {
        held.busy--;
        if (this.isDead) return;
        const { halt } = held.owner.status();
        if (halt) this.halted(held, halt);
        else then(result);
      })
      .catch((error: unknown) => {
        if (!this.isDead) this.failure ??= error;
      });
  }

  /** Right only where the topic has been re-created: then its earlier epoch must not go on. */
  private halted(held: Held, halt: Halt): void {
    const { place } = held;
    const isReplaced = this.world.currentLog(place) !== this.world.topicOf(place).log;
    if (!isReplaced || halt.code !== 'another-log') {
      violated(`${partitionName(place)} halted: ${halt.code}: ${halt.message}`);
    }
    this.held.delete(partitionName(place));
  }

  private ports(): WorkerPorts {
    const { world, calls } = this;
    const writer: LogWriter = {
      append: async ({ topic, partition }, records) => {
        if (topic !== AGGREGATES && topic !== DEAD_LETTERS) {
          const [record] = records;
          const appendTime = await calls.write(this, () =>
            world.appendTick({ topic, partition }, record?.headers ?? {}),
          );
          return [{ firstOffset: 0, count: 1, appendTime }];
        }
        // A large publication goes in several requests.
        const half = records.length > 2 ? records.length >> 1 : records.length;
        for (const part of [records.slice(0, half), records.slice(half)]) {
          if (part.length > 0) await calls.write(this, () => world.appendOut(topic, part));
        }
        return [];
      },
      close: () => Promise.resolve(),
    };
    return {
      store: world.store.portOf(calls, this),
      outbox: new KafkaOutbox(writer, {
        deadLetters: { topic: DEAD_LETTERS, partitions: OUT_PARTITIONS },
        aggregates: { topic: AGGREGATES, partitions: OUT_PARTITIONS },
        keyring,
        encode,
      }),
      log: {
        bounds: (at) =>
          calls.read(this, () => {
            const log = world.currentLog(at);
            if (log === null) throw new Unanswered();
            return { low: 0, high: log.high };
          }),
      },
      logger: silent,
      now: () => world.now + this.options.clockAhead,
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
      report: () => undefined,
    };
  }
}
