import type { Logger } from 'pino';
import {
  inParts,
  offsetBehind,
  valueBytes,
  type RecordBatch,
} from '../shared/model/record-batch.ts';
import { partitionName } from '../shared/model/source.ts';
import { isoText, nextHour } from '../shared/model/time.ts';
import type { Chunk } from '../shared/usage-fold/chunk.ts';
import type { FoldState } from '../shared/usage-fold/fold.ts';
import type { Halt } from '../shared/usage-fold/halt.ts';
import { hasSameSchemas, type Knowledge } from '../shared/usage-fold/knowledge.ts';
import { countRemnant, mustCutBeforeRemnant, passLoss } from '../shared/usage-fold/loss.ts';
import { RecordFolder, type MemoryBounds } from '../shared/usage-fold/record-folder.ts';
import { markOf } from '../shared/model/record-mark.ts';
import { flush, summaryOf } from './flush.ts';
import { Flusher, type FlushOptions } from './flusher.ts';
import { hydrate, type Hydrated } from './hydrate.ts';
import { secondsText } from '../shared/process/health.ts';
import type { PartitionOwner } from '../shared/partition/assigned-partitions.ts';
import { Ownership, type OwnershipPorts } from '../shared/partition/ownership.ts';
import { giveWay } from '../shared/process/give-way.ts';
import type { UnreadableAt } from '../shared/kafka/fetched-batch.ts';
import { unreadable, type Folded } from '../shared/kafka/log-recognition.ts';
import type { Outbox, Store } from './ports.ts';
import { TickSchedule } from './tick-schedule.ts';
import type { Place } from '../shared/usage-fold/place.ts';

export type WorkerOptions = MemoryBounds & FlushOptions;

export interface WorkerPorts extends OwnershipPorts {
  readonly store: Store;
  readonly outbox: Outbox;
  readonly logger: Logger;
  /** Called after each checkpoint. */
  readonly report: (nextOffset: number) => void;
}

/**
 * Records that are folded before the worker lets the rest of the process have its turn, and checks whether there is
 * enough to store. A batch of small records can hold millions. The first ones take a tenth of a millisecond each, until V8
 * has compiled the fold.
 */
const PART_RECORDS = 250;

/** A worker's progress; null before it has read its checkpoint. */
export interface WorkerStatus {
  readonly partition: string;
  readonly nextOffset: number | null;
  readonly storedOffset: number | null;
  readonly openHour: string | null;
  /** Milliseconds since it last had nothing left to store, or stored something. */
  readonly behindFor: number;
  readonly halt: Halt | null;
}

/** The fold from a checkpoint on, with what it has not stored yet. */
interface Fold {
  readonly folder: RecordFolder;
  readonly flusher: Flusher;
}

/**
 * Owns one partition: folds its records, stores the cuts and keeps the checkpoint. It does one thing at a
 * time, except that it folds on while a cut is being stored. It has no rules of its own: those are in
 * `shared/usage-fold`.
 */
export class PartitionWorker implements PartitionOwner {
  readonly at: Place;
  readonly name: string;
  private readonly ports: WorkerPorts;
  private readonly options: WorkerOptions;
  /**
   * The knowledge by which the current fold works. It changes only when folding restarts from the
   * checkpoint.
   */
  private knowledge: Knowledge;
  private readonly owned: Ownership<Halt>;
  private readonly ticks = new TickSchedule();
  /** Null before the checkpoint has been read. */
  private fold: Fold | null = null;
  private storedOffset = -1;
  /** When it last had nothing left to store, or stored something. */
  private progressAt: number;
  /** Whether the epoch was ended because its log is lost: there is nothing left to read. */
  private hasEnded = false;

  constructor(place: Place, knowledge: Knowledge, ports: WorkerPorts, options: WorkerOptions) {
    this.at = place;
    this.name = partitionName(place);
    this.knowledge = knowledge;
    this.options = options;
    this.progressAt = ports.now();
    const logger = ports.logger.child({ partition: this.name });
    this.ports = { ...ports, logger };
    this.owned = new Ownership(place, ports, ({ code, message }) => {
      logger.error({ code }, `this partition has halted: ${message}`);
    });
  }

  status(): WorkerStatus {
    const state = this.fold?.folder.state ?? null;
    return {
      partition: this.name,
      nextOffset: state?.nextOffset ?? null,
      storedOffset: state && this.storedOffset,
      openHour: state && isoText(state.timeline.openHour),
      behindFor: this.ports.now() - this.progressAt,
      halt: this.owned.halt,
    };
  }

  problems(stallMillis: number): readonly (string | null)[] {
    const { behindFor, halt } = this.status();
    if (halt !== null || behindFor < stallMillis) return [];
    return [`${this.name} has taken records and stored nothing for ${secondsText(behindFor)}`];
  }

  /**
   * Where to read from: at the last record folded, so that it can be recognised, or after it if it has
   * expired. Null if the partition has halted or been dropped, or its log has been given up.
   */
  position(): Promise<number | null> {
    return this.owned.run(null, async () => {
      const state = (await this.stillOurs()) ?? (await this.hydrate());
      if (state === null || this.hasEnded) return null;
      const position = await this.owned.recognition.position(foldedOf(state));
      return position.ok ? position.value : this.stopReading(position.error);
    });
  }

  /**
   * Continues if a person has meanwhile accepted the loss of the records that it waits for, or if it lacked
   * a schema of the rules in force and `knowledge` now has other schemas.
   */
  retry(knowledge: Knowledge = this.knowledge): Promise<boolean> {
    return this.owned.retry(async (halt) => {
      await this.fold?.flusher.settled(); // folding restarts after what was stored
      if (halt.code === 'unknown-rules') {
        // The rules are read again from the checkpoint, so each record is judged as by any other owner: the
        // knowledge decides only whether this process can apply the rules.
        if (hasSameSchemas(knowledge, this.knowledge)) return false;
        this.knowledge = knowledge;
      } else if (!isLoss(halt) || !(await this.isLossAccepted())) return false;
      this.fold = null; // restarts from the checkpoint when it is asked for its position
      return true;
    });
  }

  private async isLossAccepted(): Promise<boolean> {
    const { store } = this.ports;
    const checkpoint = await store.checkpoint(this.at);
    const { nextOffset, sealed } = checkpoint ?? { nextOffset: 0, sealed: false };
    return (await store.loss(this.at, nextOffset, sealed)) !== null;
  }

  /**
   * Folds records in the order of the log. Offsets below `next` that have no record here hold none. Returns
   * false if no more records are wanted.
   */
  consume(batches: readonly RecordBatch[], next: number, isBehind = false): Promise<boolean> {
    return this.owned.run(false, async () => {
      const { fold } = this;
      if (fold === null) return false;
      const { state } = fold.folder;
      const recognised = await this.owned.recognition.recognise(foldedOf(state), batches, next);
      if (!recognised.ok) {
        await this.stopReading(recognised.error);
        return false;
      }
      try {
        return await this.foldParts(fold, inParts(recognised.value, PART_RECORDS), next, isBehind);
      } finally {
        fold.folder.forgetBytes();
      }
    });
  }

  private async foldParts(
    fold: Fold,
    parts: readonly (readonly RecordBatch[])[],
    next: number,
    isBehind: boolean,
  ): Promise<boolean> {
    for (const part of parts.slice(0, -1)) {
      if (!(await this.foldPart(fold, part, offsetBehind(part)))) return false;
    }
    const goOn = await this.foldPart(fold, parts.at(-1) ?? [], next);
    fold.flusher.isBehind = isBehind;
    return goOn;
  }

  /**
   * Folds batches, and stores them if there is enough to store. Returns false if the partition has halted.
   */
  private async foldPart(
    { folder, flusher }: Fold,
    batches: readonly RecordBatch[],
    next: number,
  ): Promise<boolean> {
    await giveWay();
    const { state } = folder;
    const before = state.nextOffset;
    const wasSealed = state.timeline.sealed;
    const halt = await folder.fold(batches, next);
    if (halt) {
      this.owned.stop(halt);
      return false;
    }
    if (state.nextOffset > before) this.owned.clearWait();
    const bytes = batches.reduce((sum, batch) => sum + valueBytes(batch), 0);
    flusher.folded(bytes, this.ports.now());
    // Behind the end of a source there is nothing to wait for.
    const isEnd = state.timeline.sealed && !wasSealed;
    if (flusher.isFull || isEnd) await flusher.beside();
    return true;
  }

  /**
   * Halts before a batch that cannot be read. The partition continues when the batch can be read after all,
   * or when a person has accepted its loss.
   */
  unreadable(batch: UnreadableAt): Promise<void> {
    return this.owned.run(undefined, async () => {
      if (this.fold === null) return;
      await this.fold.flusher.store();
      this.owned.wait(unreadable(batch));
    });
  }

  /** Flushes the folded records if that is due, and appends a tick if the hour is over. */
  onTimer(): Promise<void> {
    return this.owned.run(undefined, async () => {
      if (this.fold === null) return;
      const { folder, flusher } = this.fold;
      const { state } = folder;
      const now = this.ports.now();
      flusher.throwFailure();
      if (state.nextOffset === this.storedOffset) this.progressAt = now;
      flusher.beginIfDue(now);
      await this.tickIfDue(state, now);
    });
  }

  /** Stores the folded records, then takes no more: for a graceful stop. */
  async close(): Promise<void> {
    await this.owned.run(undefined, async () => {
      await this.fold?.flusher.store();
    });
    this.drop();
  }

  /**
   * Forgets everything at once, because the partition belongs to another process or this process ends.
   */
  drop(): void {
    this.owned.drop();
  }

  /**
   * Halts where the log cannot be read further. If records have expired, first stores what was folded
   * before them: it is right.
   */
  private async stopReading(halt: Halt): Promise<null> {
    if (halt.code === 'lost-records') await this.fold?.flusher.store();
    return this.owned.stop(halt);
  }

  /**
   * The folded state, or null if another owner has stored more meanwhile. In that case this process had
   * lost the partition for a while, and restarts from the checkpoint.
   */
  private async stillOurs(): Promise<FoldState | null> {
    const { store, logger } = this.ports;
    if (this.fold === null) return null;
    await this.fold.flusher.settled();
    const { state } = this.fold.folder;
    const stored = await this.owned.persist('read the checkpoint', () => store.checkpoint(this.at));
    if (stored === null || stored.nextOffset <= this.storedOffset) return state;
    logger.info(
      { nextOffset: stored.nextOffset },
      'another owner has stored more: restarting from the checkpoint',
    );
    this.fold = null;
    return null;
  }

  private async hydrate(): Promise<FoldState | null> {
    const found = await hydrate(this.at, this.knowledge, this.options.windowsMaxBytes, {
      store: this.ports.store,
      bounds: () => this.owned.bounds(),
      persist: (what, step) => this.owned.persist(what, step),
    });
    if (!found.ok) return this.owned.stop(found.error);
    const { state, tail, loss } = found.value;
    const { store } = this.ports;
    this.ports.logger.info(
      { nextOffset: state.nextOffset, windows: state.windows.size, tail: tail.ids.size },
      'resumed',
    );
    const folder: RecordFolder = new RecordFolder(found.value, this.knowledge, this.options, {
      eventTables: (hours) =>
        this.owned.persist('read the ids of usage hours', () => store.eventTables(this.at, hours)),
      storedWindows: (hour, identities) =>
        this.owned.persist('read open windows', () =>
          store.storedWindows(this.at, hour, identities),
        ),
      endHour: async () => {
        flusher.cutOff();
        if (flusher.isFull) await flusher.beside();
      },
      store: () => flusher.store(),
    });
    const flusher = new Flusher(folder, this.options, (chunks) => this.flush(chunks));
    this.fold = { folder, flusher };
    this.storedOffset = state.nextOffset;
    if (loss) await this.passAcceptedLoss(this.fold, loss);
    return state;
  }

  /**
   * Counts the rows that are left of lost records and continues after those records, as a person has
   * decided.
   */
  private async passAcceptedLoss(
    { folder, flusher }: Fold,
    loss: NonNullable<Hydrated['loss']>,
  ): Promise<void> {
    const { state } = folder;
    this.hasEnded = loss.ended;
    if (state.timeline.sealed) return;
    const { lost } = state.counts;
    for (const remnant of loss.remnants) {
      if (remnant.kind === 'accepted') await folder.loadWindows([remnant.event]);
      if (mustCutBeforeRemnant(state, remnant)) await flusher.store();
      countRemnant(state, remnant);
    }
    await flusher.store();
    passLoss(state, loss);
    await flusher.store();
    this.ports.logger.warn(
      { nextOffset: state.nextOffset, lost: state.counts.lost - lost, ended: loss.ended },
      'lost records were accepted: continuing after them',
    );
  }

  private async flush(chunks: readonly Chunk[]): Promise<void> {
    const { store, outbox, report, logger } = this.ports;
    await this.owned.persist('store what was folded', () => flush(this.at, chunks, store, outbox));
    this.storedOffset = chunks.at(-1)?.checkpoint.nextOffset ?? this.storedOffset;
    this.progressAt = this.ports.now();
    report(this.storedOffset);
    logger.debug(summaryOf(chunks), 'stored');
  }

  /** An idle live partition never closes its hour by itself, so its owner appends a tick. */
  private async tickIfDue(state: FoldState, now: number): Promise<void> {
    const { source } = this.at;
    const { openHour, sealed } = state.timeline;
    if (source.kind !== 'live' || sealed) return;
    if (!this.ticks.isDue(now, openHour, nextHour(openHour, source.hourMillis))) return;
    try {
      const { high } = await this.ports.log.bounds(this.at);
      if (high === state.nextOffset) await this.ports.outbox.appendTick(this.at);
    } catch (error) {
      this.ports.logger.warn({ err: error }, 'could not append a tick; trying again');
    }
  }
}

/** Whether the partition waits for records that are gone, so that a person can accept their loss. */
const isLoss = ({ code }: Halt): boolean => code !== 'unknown-rules' && code !== 'index-full';

const foldedOf = ({ nextOffset, lastRecord }: FoldState): Folded => ({
  nextOffset,
  lastRecord: markOf(lastRecord),
});
