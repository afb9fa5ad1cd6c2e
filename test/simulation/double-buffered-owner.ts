import { cut, type Chunk } from '../../services/shared/usage-fold/chunk.ts';
import { EventIndex } from '../../services/shared/usage-fold/event-index.ts';
import {
  count,
  mustCutBefore,
  skipTo,
  type FoldState,
} from '../../services/shared/usage-fold/fold.ts';
import type { Halt } from '../../services/shared/usage-fold/halt.ts';
import type { Knowledge } from '../../services/shared/usage-fold/knowledge.ts';
import {
  contradiction,
  skippedContradiction,
  type LedgerTail,
} from '../../services/shared/usage-fold/ledger-tail.ts';
import { advance, type Step } from '../../services/shared/usage-fold/timeline.ts';
import type { Place } from '../../services/shared/usage-fold/place.ts';
import { flush } from '../../services/aggregator/flush.ts';
import { hydrate } from '../../services/aggregator/hydrate.ts';
import type { WorkerOptions, WorkerPorts } from '../../services/aggregator/partition-worker.ts';
import { LogRecognition, type Folded } from '../../services/shared/kafka/log-recognition.ts';
import type { LogBounds } from '../../services/shared/kafka/topics.ts';
import type { LogRecord } from '../../services/shared/model/log-record.ts';
import { recordsOf, type RecordBatch } from '../../services/shared/model/record-batch.ts';
import { markOf } from '../../services/shared/model/record-mark.ts';
import { Serial } from '../../services/shared/process/serial.ts';
import type { Hour } from '../../services/shared/model/time.ts';

/** What an owner of a partition can do: the part of `PartitionWorker` that its reader uses. */
export interface Owner {
  status(): { readonly halt: Halt | null };
  position(): Promise<number | null>;
  consume(batches: readonly RecordBatch[], next: number): Promise<boolean>;
  onTimer(): Promise<void>;
  close(): Promise<void>;
  drop(): void;
}

/**
 * An owner like `PartitionWorker`, from the same parts, that folds on while a chunk is being stored
 * (docs/design.md, "Flush order", allows it). It holds that the parts are fit for it: that a chunk is a cut of its own,
 * and that ids which the ledger has not acknowledged stay pinned.
 */
export class DoubleBufferedOwner implements Owner {
  private readonly place: Place;
  private readonly knowledge: Knowledge;
  private readonly ports: WorkerPorts;
  private readonly options: WorkerOptions;
  private readonly serial = new Serial();
  private readonly dropped = new AbortController();
  private readonly index: EventIndex;
  private readonly recognition: LogRecognition;
  /** Chunks cut off and not yet stored, the oldest first; they are stored one after the other. */
  private readonly unstored: Chunk[] = [];
  private readonly flushes = new Serial();
  private lastFlush: Promise<void> = Promise.resolve();
  private state: FoldState | null = null;
  private tail: LedgerTail = { ids: new Map(), lastOffset: -1 };
  private cutOffset = -1;
  private storedOffset = -1;
  private halted: Halt | null = null;

  constructor(place: Place, knowledge: Knowledge, ports: WorkerPorts, options: WorkerOptions) {
    this.place = place;
    this.knowledge = knowledge;
    this.ports = ports;
    this.options = options;
    this.index = new EventIndex(options.indexMaxBytes);
    this.recognition = new LogRecognition(() => this.bounds());
  }

  status(): { readonly halt: Halt | null } {
    return { halt: this.halted };
  }

  position(): Promise<number | null> {
    return this.run(null, async () => {
      const state = (await this.stillOurs()) ?? (await this.hydrate());
      if (state === null) return null;
      const position = await this.recognition.position(foldedOf(state));
      return position.ok ? position.value : this.stop(position.error);
    });
  }

  consume(batches: readonly RecordBatch[], next: number): Promise<boolean> {
    return this.run(false, async () => {
      const { state } = this;
      if (state === null) return false;
      const recognised = await this.recognition.recognise(foldedOf(state), batches, next);
      if (!recognised.ok) {
        this.stop(recognised.error);
        return false;
      }
      const fresh = recognised.value;
      if (fresh.length > 0) await this.fold(state, recordsOf(fresh));
      if (this.isHalted()) return false;
      if (next > state.nextOffset) {
        const halt = skippedContradiction(this.tail, state.nextOffset, next);
        if (halt) {
          this.stop(halt);
          return false;
        }
        skipTo(state, next);
      }
      if (state.pending.ledger.length >= this.options.flushEvents) this.cutOff(state);
      if (this.unstored.length > 2) await this.lastFlush; // so much may wait, not more
      return !this.isHalted();
    });
  }

  onTimer(): Promise<void> {
    return this.run(undefined, () => {
      if (this.state) this.cutOff(this.state);
      return Promise.resolve();
    });
  }

  async close(): Promise<void> {
    await this.run(undefined, async () => {
      if (this.state) this.cutOff(this.state);
      await this.lastFlush;
    });
    this.drop();
  }

  drop(): void {
    this.dropped.abort();
  }

  private isHalted(): boolean {
    return this.halted !== null;
  }

  private isDropped(): boolean {
    return this.dropped.signal.aborted;
  }

  private run<T>(otherwise: T, task: () => Promise<T>): Promise<T> {
    return this.serial.run(async () => {
      if (this.isHalted() || this.isDropped()) return otherwise;
      try {
        return await task();
      } catch (error) {
        if (this.isDropped()) return otherwise;
        throw error;
      }
    });
  }

  private stop(halt: Halt): null {
    this.halted = halt;
    return null;
  }

  private persist<T>(what: string, step: () => Promise<T>): Promise<T> {
    return this.ports.persist(what, step, this.dropped.signal);
  }

  private bounds(): Promise<LogBounds> {
    return this.persist('read the log bounds', () => this.ports.log.bounds(this.place));
  }

  private async stillOurs(): Promise<FoldState | null> {
    if (this.state === null) return null;
    await this.lastFlush;
    const stored = await this.persist('read the checkpoint', () =>
      this.ports.store.checkpoint(this.place),
    );
    if (stored === null || stored.nextOffset <= this.storedOffset) return this.state;
    this.index.clear();
    this.state = null;
    return null;
  }

  private async hydrate(): Promise<FoldState | null> {
    const found = await hydrate(this.place, this.knowledge, Infinity, {
      store: this.ports.store,
      bounds: () => this.bounds(),
      persist: (what, step) => this.persist(what, step),
    });
    if (!found.ok) return this.stop(found.error);
    const { state, tail } = found.value;
    this.state = state;
    this.tail = tail;
    this.cutOffset = state.nextOffset;
    this.storedOffset = state.nextOffset;
    return state;
  }

  private async fold(state: FoldState, records: readonly LogRecord[]): Promise<void> {
    const steps: Step[] = [];
    let { timeline } = state;
    for (const record of records) {
      const step = advance(this.place, timeline, record, this.knowledge);
      steps.push(step);
      if (step.verdict.kind === 'halt') break;
      timeline = step.after;
    }
    await this.loadTables(steps);
    for (const step of steps) {
      if (step.verdict.kind === 'halt') {
        this.stop(step.verdict.halt);
        return;
      }
      if (mustCutBefore(state, step)) this.cutOff(state);
      const { nextOffset } = state;
      const outcome = count(state, step, this.index);
      const halt = contradiction(this.tail, nextOffset, step, outcome);
      if (halt) {
        this.stop(halt);
        return;
      }
    }
  }

  private async loadTables(steps: readonly Step[]): Promise<void> {
    const wanted = new Set<Hour>();
    for (const { verdict } of steps) {
      if (verdict.kind === 'candidate') wanted.add(verdict.candidate.usageHour);
    }
    const missing = this.index.missing(wanted);
    if (missing.length > 0) {
      const tables = await this.persist('read the ids of usage hours', () =>
        this.ports.store.eventTables(this.place, missing),
      );
      for (const [hour, table] of tables) this.index.put(hour, table);
    }
    if (this.index.evict(wanted)) return;
    await this.lastFlush;
    this.index.evict(wanted);
  }

  private cutOff(state: FoldState): void {
    if (state.nextOffset === this.cutOffset) return;
    const chunk = cut(state);
    this.cutOffset = chunk.checkpoint.nextOffset;
    this.unstored.push(chunk);
    this.lastFlush = this.flushes.run(() => this.storeOldest(chunk));
    this.lastFlush.catch(() => undefined); // whoever waits for it has the error
  }

  private async storeOldest(chunk: Chunk): Promise<void> {
    const { store, outbox } = this.ports;
    await this.persist('store a chunk', () => flush(this.place, chunk, store, outbox));
    this.unstored.shift();
    this.storedOffset = chunk.checkpoint.nextOffset;
    this.index.acknowledged();
    const later = [...this.unstored.map(({ ledger }) => ledger), this.state?.pending.ledger ?? []];
    for (const ledger of later) {
      for (const { candidate } of ledger) this.index.pin(candidate.usageHour);
    }
  }
}

const foldedOf = ({ nextOffset, lastRecord }: FoldState): Folded => ({
  nextOffset,
  lastRecord: markOf(lastRecord),
});
