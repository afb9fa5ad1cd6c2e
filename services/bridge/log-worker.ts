import type { UnreadableAt } from '../shared/kafka/fetched-batch.ts';
import { unreadable, type Folded, type LogHalt } from '../shared/kafka/log-recognition.ts';
import type { LogRecord, TopicPartition } from '../shared/model/log-record.ts';
import { batchesWithin, recordsOf, type RecordBatch } from '../shared/model/record-batch.ts';
import { markOf } from '../shared/model/record-mark.ts';
import { partitionName } from '../shared/model/source.ts';
import type { PartitionOwner } from '../shared/partition/assigned-partitions.ts';
import { Ownership } from '../shared/partition/ownership.ts';
import { attemptProblem } from '../shared/process/health.ts';
import { CarryKeeper } from './carry-keeper.ts';
import { composeDue, unfinishedOf } from './compose-due.ts';
import { DryRun } from './dry-run.ts';
import { flush } from './flush.ts';
import {
  cut,
  dropAbandoned,
  resumeOffset,
  stateAt,
  foldRecord,
  type BridgeCheckpoint,
  type BridgeChunk,
  type BridgeState,
} from './fold/bridge-fold.ts';
import type { Composition } from './fold/compose.ts';
import { blockedBy } from './fold/source-progress.ts';
import type { Unfinished } from './ports.ts';
import { resumePoint } from './resume-point.ts';
import { Sender } from './sender.ts';
import type { WorkerKnowledge, WorkerOptions, WorkerPorts } from './worker-ports.ts';
import { WAY_OUT, WorkerNotices, type BlockedSource } from './worker-notices.ts';
import type { WorkerStatus } from './worker-status.ts';

/**
 * Owns one partition of the aggregates topic: folds its records, stores the compositions that become due,
 * and has them sent. Folding and storing strictly alternate. Sending runs at the same time, from stored
 * rows. It has no rules of its own: those are in `fold/`.
 */
export class LogWorker implements PartitionOwner {
  readonly at: TopicPartition;
  readonly name: string;
  private readonly ports: WorkerPorts;
  private readonly options: WorkerOptions;
  private readonly knowledge: WorkerKnowledge;
  private readonly owned: Ownership<LogHalt>;
  private readonly sender: Sender | DryRun;
  private readonly carries: CarryKeeper;
  private state: BridgeState | null = null;
  /** How far an earlier owner had folded. Up to there, records are read again to restore open hours. */
  private resumed: Folded = { nextOffset: 0, lastRecord: null };
  private stored = { nextOffset: -1, resumeOffset: -1 };
  private unstoredSince: number | null = null;
  private readonly unfinished = new Set<Unfinished>();
  private compositions = 0;
  private readonly notices: WorkerNotices;

  constructor(
    at: TopicPartition,
    knowledge: WorkerKnowledge,
    ports: WorkerPorts,
    options: WorkerOptions,
  ) {
    this.at = at;
    this.name = `partition ${String(at.partition)}`;
    this.knowledge = knowledge;
    this.options = options;
    const logger = ports.logger.child({ partition: at.partition });
    this.ports = ports;
    this.notices = new WorkerNotices(at.topic, logger);
    this.owned = new Ownership(at, ports, (halt) => this.notices.halted(halt));
    const { store, persist, now, register } = ports;
    this.carries = new CarryKeeper(at.partition, {
      store,
      outbox: ports.sender.outbox,
      register,
      logger,
      persist: (what, step) => this.owned.persist(what, step),
      now,
    });
    const common = { partition: at.partition, store, persist, now, logger };
    const { dryRun = null } = ports;
    const finished = (composition: Unfinished): void => {
      this.unfinished.delete(composition);
      this.report();
    };
    this.sender =
      dryRun === null
        ? new Sender({ ...ports.sender, ...common, finished }, options)
        : new DryRun({ ...common, bodyOf: dryRun });
  }

  status(): WorkerStatus {
    const { state } = this;
    return {
      partition: this.at.partition,
      nextOffset: state?.nextOffset ?? null,
      resumeOffset: state && resumeOffset(state),
      compositions: this.compositions,
      halt: this.owned.halt,
      atStepFor: this.owned.atStepFor,
      blocked: this.blocked(),
      ...this.sender.status(),
    };
  }

  problems(stallMillis: number): readonly (string | null)[] {
    const { notSentFor, lastError } = this.sender.status();
    const since = lastError === null ? '' : `, since ${lastError},`;
    return [
      ...this.blocked().map(({ source, reason }) => `${source} is not billed: ${reason}`),
      attemptProblem(`${this.name} has not finished one step`, this.owned.atStepFor, stallMillis),
      attemptProblem(`nothing of ${this.name} could be sent${since}`, notSentFor, stallMillis),
    ];
  }

  /** Where to read from; null if halted or dropped. */
  position(): Promise<number | null> {
    return this.owned.run(null, async () => {
      const state = this.state ?? (await this.hydrate());
      if (state === null) return null;
      const position = await this.owned.recognition.position(this.folded(state));
      if (position.ok) return Math.min(position.value, state.nextOffset);
      if (position.error.code !== 'lost-records') return this.owned.stop(position.error);
      const read = { ...state, lastRecord: markOf(state.lastRecord) };
      return (
        (await this.resume({ ...read, resumeOffset: resumeOffset(state) }))?.nextOffset ?? null
      );
    });
  }

  /** Folds records in the order of the log. Returns false if no more are wanted. */
  consume(batches: readonly RecordBatch[]): Promise<boolean> {
    return this.owned.run(false, async () => {
      const { state } = this;
      if (state === null) return false;
      const again = batchesWithin(batches, state.nextOffset, this.resumed.nextOffset);
      const fresh = await this.owned.recognition.recognise(this.folded(state), batches);
      if (!fresh.ok) {
        this.owned.stop(fresh.error);
        return false;
      }
      const before = state.nextOffset;
      await this.fold(state, recordsOf([...again, ...fresh.value]));
      if (state.nextOffset > before) this.owned.clearWait();
      return true;
    });
  }

  /**
   * Halts before a batch that cannot be read, until it can be read. Earlier compositions are still sent.
   */
  unreadable(batch: UnreadableAt): Promise<void> {
    return this.owned.run(undefined, async () => {
      if (this.state === null) return;
      await this.store(this.state);
      const { code, message } = unreadable(batch);
      this.owned.wait({ code, message: `${message}. ${WAY_OUT}` });
    });
  }

  /** Writes a checkpoint if one is due, and forgets abandoned runs. */
  onTimer(): Promise<void> {
    return this.owned.run(undefined, async () => {
      const { state, unstoredSince } = this;
      if (state === null) return;
      dropAbandoned(state, this.ports.register.known);
      const isDue = (since: number): boolean =>
        this.ports.now() - since >= this.options.flushInterval;
      if (unstoredSince === null || isDue(unstoredSince)) await this.store(state);
      if (this.isVerified(state)) await this.carries.keep(state);
    });
  }

  /** Stores the folded records, lets the batch in flight finish, then takes no more. */
  async close(): Promise<void> {
    await Promise.all([
      this.sender.stop(),
      this.owned.run(undefined, async () => {
        if (this.state) await this.store(this.state);
      }),
    ]);
    this.drop();
  }

  /**
   * Forgets everything at once, because the partition belongs to another process or this process ends.
   */
  drop(): void {
    this.owned.drop();
    this.sender.drop();
  }

  private folded(state: BridgeState): Folded {
    return state.nextOffset < this.resumed.nextOffset
      ? this.resumed
      : { nextOffset: state.nextOffset, lastRecord: markOf(state.lastRecord) };
  }

  private async hydrate(): Promise<BridgeState | null> {
    const { store, register } = this.ports;
    const { partition } = this.at;
    const checkpoint = await this.owned.persist('read the checkpoint', () =>
      store.checkpoint(partition),
    );
    await this.owned.persist('read the register of sources', () => register.refresh());
    const state = await this.resume(checkpoint);
    if (state === null) return null;
    const unfinished = await this.owned.persist('read what is to be sent', () =>
      store.unfinished(partition),
    );
    if (checkpoint === null) {
      await this.owned.persist('write the first checkpoint', () =>
        store.writeCheckpoint(partition, { ...this.stored, lastRecord: null }),
      );
    } else {
      this.notices.resumed(checkpoint, unfinished.length);
    }
    this.send(unfinished);
    this.sender.start(this.ports.onCrash);
    return state;
  }

  /** The state at a checkpoint; null if it has halted. */
  private async resume(given: BridgeCheckpoint | null): Promise<BridgeState | null> {
    const composed = await this.owned.persist('read the compositions', () =>
      this.ports.store.composedBefore(this.at.partition),
    );
    const { store, recover } = this.ports;
    const { low } = await this.owned.bounds();
    const found = await resumePoint(
      this.at.partition,
      given,
      { low, composed },
      {
        store,
        recover,
        notices: this.notices,
        persist: (what, step) => this.owned.persist(what, step),
      },
    );
    if (!found.ok) return this.owned.stop(found.error);
    const checkpoint = found.value;
    const { nextOffset, resumeOffset: resume, lastRecord } = checkpoint;
    const state = stateAt(resume, composed);
    this.resumed = checkpoint;
    if (resume === nextOffset) state.lastRecord = lastRecord;
    this.stored = { nextOffset, resumeOffset: resume };
    this.state = state;
    this.carries.resumed();
    return state;
  }

  /**
   * What another bridge stored while this one read what is stored may be both unfinished and due here. It
   * must not be queued twice: a batch could have a submission twice.
   */
  private send(compositions: readonly Unfinished[]): void {
    const known = new Set([...this.unfinished].map(nameOf));
    const fresh = compositions.filter((composition) => !known.has(nameOf(composition)));
    for (const composition of fresh) this.unfinished.add(composition);
    this.sender.add(fresh);
  }

  private async fold(state: BridgeState, records: readonly LogRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.lookUpSources(records);
    const { partition } = this.at;
    const knowledge = { ...this.knowledge, partition, sources: this.ports.register.known };
    for (const record of records) foldRecord(state, record, knowledge);
    this.unstoredSince ??= this.ports.now();
    this.notices.blocked(this.blocked());
    if (state.due.length > 0 || state.refused.length > 0) await this.store(state);
  }

  private async lookUpSources(records: readonly LogRecord[]): Promise<void> {
    const { register } = this.ports;
    if (records.every((record) => register.isCurrentFor(record))) return;
    await this.owned.persist('read the register of sources', () => register.refresh());
  }

  /** The records up to the earlier owner's last one must prove to be the same log first. */
  private isVerified(state: BridgeState): boolean {
    return state.nextOffset >= this.resumed.nextOffset && this.owned.recognition.isVerified;
  }

  private async store(state: BridgeState): Promise<void> {
    if (!this.isVerified(state)) return;
    this.unstoredSince = null;
    const { nextOffset } = state;
    if (
      nextOffset === this.stored.nextOffset &&
      resumeOffset(state) === this.stored.resumeOffset &&
      state.due.length === 0
    ) {
      return;
    }
    const chunk = cut(state);
    this.notices.unfit(chunk.unfit);
    this.notices.refused(chunk.refused);
    const compositions = await this.composeAll(chunk);
    await this.owned.persist('store compositions', () =>
      flush(this.at.partition, chunk, compositions, this.ports.store),
    );
    this.stored = chunk.checkpoint;
    this.compositions += compositions.length;
    this.notices.composed(compositions);
    this.carries.composed(compositions);
    this.send(unfinishedOf(compositions));
    this.report();
  }

  /**
   * Reads the terms and the register again: both may have changed for hours that are due now. What they say of an hour
   * that is over never changes.
   */
  private async composeAll({ due }: BridgeChunk): Promise<readonly Composition[]> {
    if (due.length === 0) return [];
    const { store, register } = this.ports;
    const [terms, sources] = await this.owned.persist('read the terms and the register', () =>
      Promise.all([store.terms(), register.refresh()]),
    );
    return composeDue(due, terms, sources);
  }

  /** Tells the group how far everything has its final outcome. Only lag monitors read it; we never do. */
  private report(): void {
    let offset = this.stored.resumeOffset;
    for (const { firstOffset } of this.unfinished) offset = Math.min(offset, firstOffset);
    this.ports.report(offset);
  }

  private blocked(): BlockedSource[] {
    return [...(this.state?.sources ?? [])].flatMap(([source, progress]) => {
      const reason = blockedBy(progress);
      return reason === null ? [] : [{ source, reason }];
    });
  }
}

const nameOf = ({ at, hour }: Unfinished): string => `${partitionName(at)} ${String(hour)}`;
