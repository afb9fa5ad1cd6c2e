import type { LogRecord } from '../model/log-record.ts';
import type { RecordBatch } from '../model/record-batch.ts';
import { markOf } from '../model/record-mark.ts';
import type { Hour } from '../model/time.ts';
import { EventIndex } from './event-index.ts';
import type { EventTable } from './event-table.ts';
import { count, mustCutBefore, skipTo, type FoldState } from './fold.ts';
import type { Halt } from './halt.ts';
import type { Knowledge } from './knowledge.ts';
import { contradiction, skippedContradiction, type LedgerTail } from './ledger-tail.ts';
import { PackedFold } from './packed/packed-fold.ts';
import { advance, type Step } from './timeline.ts';
import { UnusedHours } from './unused-hours.ts';
import type { Window, WindowIdentity } from './window.ts';

export interface FolderPorts {
  /** The ids accepted in these usage hours, one table for each hour. */
  readonly eventTables: (hours: readonly Hour[]) => Promise<ReadonlyMap<Hour, EventTable>>;
  /** Those of the given windows of the open hour that are stored. */
  readonly storedWindows: (
    reportedHour: Hour,
    identities: readonly WindowIdentity[],
  ) => Promise<readonly Window[]>;
  /** Cuts off what is pending of the open hour, which ends. The cut may be stored later. */
  readonly endHour: () => Promise<void>;
  /** Stores what has been folded so far, and then calls `acknowledged`. */
  readonly store: () => Promise<void>;
}

/** Bounds on what a partition keeps in memory for speed, in bytes. */
export interface MemoryBounds {
  readonly indexMaxBytes: number;
  readonly windowsMaxBytes: number;
}

/** From where a fold goes on. */
export interface FoldBegin {
  readonly state: FoldState;
  readonly tail: LedgerTail;
  /** Whether the ledger has nothing of the source partition, nor of an earlier epoch of its topic. */
  readonly ledgerIsEmpty?: boolean;
}

/** Records that are judged together when ids or windows must be loaded for them. */
const RUN = 256;

const NOTHING: ReadonlySet<Hour> = new Set();

/** Folds the records of a partition, and keeps the ids and windows in use in memory. */
export class RecordFolder {
  readonly state: FoldState;
  private readonly tail: LedgerTail;
  private readonly knowledge: Knowledge;
  private readonly bounds: MemoryBounds;

  private readonly index: EventIndex;
  private readonly unused: UnusedHours;
  private readonly packed: PackedFold;
  private readonly ports: FolderPorts;

  constructor(begin: FoldBegin, knowledge: Knowledge, bounds: MemoryBounds, ports: FolderPorts) {
    this.state = begin.state;
    this.tail = begin.tail;
    this.knowledge = knowledge;
    this.bounds = bounds;
    this.index = new EventIndex(bounds.indexMaxBytes);
    this.unused = new UnusedHours(begin.state, begin.ledgerIsEmpty === true);
    this.packed = new PackedFold(begin.state, this.index, knowledge);
    this.ports = ports;
  }

  /**
   * Folds records in the order of the log, and ignores those before the next offset. Offsets below `next`
   * that have no record here hold none. Returns why it must not continue, or null.
   */
  async fold(batches: readonly RecordBatch[], next: number): Promise<Halt | null> {
    for (const batch of batches) {
      const halt = await this.foldBatch(batch);
      if (halt) return halt;
    }
    return this.skip(next);
  }

  /**
   * Lets go of what was fetched: a record, or a part of one, holds all the bytes that came with it. Call this when the
   * batches of a fetch are folded.
   */
  forgetBytes(): void {
    this.packed.forget();
    this.state.lastRecord = markOf(this.state.lastRecord);
  }

  /** Folds plain records from the bytes of the batch, and the rest as objects, a few at a time. */
  private async foldBatch(batch: RecordBatch): Promise<Halt | null> {
    const { state, tail } = this;
    let loadedAt = -1;
    let at = batch.bytes === null ? 0 : Math.max(0, state.nextOffset - batch.firstOffset);
    while (at < batch.count) {
      let few = RUN;
      const isCompared = state.nextOffset <= tail.lastOffset;
      if (!isCompared && (await this.isWithinBounds())) {
        const { next, stop } = this.packed.fold(batch, at);
        at = next;
        if (stop === 'end') break;
        if (stop === 'missing' && state.windows.isWhole && at !== loadedAt) {
          loadedAt = at; // what is missing then, too, the general path loads
          const soon = this.packed.usageHours(batch, at, Math.min(batch.count, at + RUN));
          if (await this.loadIds(soon)) continue;
        }
        if (stop === 'odd' && batch.bytes !== null) few = 1;
      }
      const end = Math.min(batch.count, at + few);
      const records = Array.from({ length: end - at }, (_, n) => batch.record(at + n));
      const halt = await this.countAll(
        this.judge(records.filter(({ offset }) => offset >= state.nextOffset)),
      );
      if (halt) return halt;
      at = end;
    }
    return null;
  }

  /** Whether ids and windows are within their bounds. Evicts ids if need be. */
  private async isWithinBounds(): Promise<boolean> {
    if (this.state.windows.exceeds(this.bounds.windowsMaxBytes)) return false;
    return this.evictIds(NOTHING);
  }

  /** Whether the ids are within their bound. Evicts the ids of unwanted usage hours if need be. */
  private async evictIds(wanted: ReadonlySet<Hour>): Promise<boolean> {
    if (this.index.evict(wanted)) return true;
    await this.ports.store(); // so that nothing stays pinned
    return this.index.evict(wanted);
  }

  /** Notes that what is pending is cut off now. Returns the number of the cut. */
  cutOff(): number {
    return this.index.cut();
  }

  /** Notes that everything up to a cut is stored; without a cut, everything that was folded. */
  acknowledged(cut?: number): void {
    this.index.acknowledged(cut);

    if (this.state.timeline.sealed) this.index.clear(); // nothing will be accepted any more
  }

  /** Judges records by everything except the ids seen before, up to the first that halts. */
  private judge(records: readonly LogRecord[]): Step[] {
    const steps: Step[] = [];
    let { timeline } = this.state;
    for (const record of records) {
      const step = advance(this.state.place, timeline, record, this.knowledge);
      steps.push(step);
      if (step.verdict.kind === 'halt') break;
      timeline = step.after;
    }
    return steps;
  }

  /** Counts judged records. Splits them if their ids and windows do not fit the bounds. */
  private async countAll(steps: readonly Step[]): Promise<Halt | null> {
    const hasIds = await this.loadIds(usageHoursOf(steps));
    if (!(hasIds && (await this.loadWindows(neededWindows(this.state, steps))))) {
      if (steps.length === 1) return this.indexFull();
      const half = Math.ceil(steps.length / 2);
      return (await this.countAll(steps.slice(0, half))) ?? this.countAll(steps.slice(half));
    }
    const { state } = this;
    for (const step of steps) {
      if (step.verdict.kind === 'halt') {
        await this.ports.store(); // what was counted before the halt is right
        return step.verdict.halt;
      }
      if (mustCutBefore(state, step)) await this.ports.endHour();
      const { nextOffset } = state;
      const outcome = count(state, step, this.index);
      const halt = contradiction(this.tail, nextOffset, step, outcome);
      if (halt) return halt;
    }
    return null;
  }

  /** Transaction markers take offsets and hold no record. */
  private skip(next: number): Halt | null {
    const { state } = this;
    if (next <= state.nextOffset) return null;
    const halt = skippedContradiction(this.tail, state.nextOffset, next);
    if (halt === null) skipTo(state, next);
    return halt;
  }

  /** Loads the ids of these usage hours. Returns whether they fit the bound. */
  private async loadIds(wanted: ReadonlySet<Hour>): Promise<boolean> {
    const used: Hour[] = [];
    for (const hour of this.index.missing(wanted)) {
      if (this.unused.take(hour)) this.index.begin(hour);
      else used.push(hour);
    }
    if (used.length > 0) {
      const tables = await this.ports.eventTables(used);
      for (const [hour, table] of tables) this.index.put(hour, table);
    }
    return this.evictIds(wanted);
  }

  /**
   * Loads those of these windows of the open hour that are stored. Returns whether they fit the bound.
   */
  async loadWindows(identities: readonly WindowIdentity[]): Promise<boolean> {
    const { windows } = this.state;
    const { windowsMaxBytes } = this.bounds;
    await this.loadMissing(identities);
    if (!windows.exceeds(windowsMaxBytes)) return true;
    await this.ports.store(); // only what is stored may leave
    windows.evict(windowsMaxBytes, identities);
    await this.loadMissing(identities);
    return !windows.exceeds(windowsMaxBytes) || identities.length <= 1;
  }

  private async loadMissing(identities: readonly WindowIdentity[]): Promise<void> {
    const { windows, timeline } = this.state;
    const asked = windows.missing(identities);
    if (asked.length === 0) return;
    windows.load(asked, await this.ports.storedWindows(timeline.openHour, asked));
  }

  private indexFull(): Halt {
    return {
      code: 'index-full',
      message:
        `the ids of one usage hour need ${String(this.index.bytes)} bytes, allowed are ` +
        `${String(this.bounds.indexMaxBytes)}: raise AGGREGATOR_INDEX_MIB and restart`,
    };
  }
}

const usageHoursOf = (steps: readonly Step[]): ReadonlySet<Hour> =>
  new Set(
    steps.flatMap(({ verdict }) =>
      verdict.kind === 'candidate' ? [verdict.candidate.usageHour] : [],
    ),
  );

/** The windows of the open hour that these records may add to. A later hour begins without windows. */
const neededWindows = ({ timeline }: FoldState, steps: readonly Step[]): WindowIdentity[] =>
  steps.flatMap(({ verdict, after }) =>
    verdict.kind === 'candidate' && after.openHour === timeline.openHour ? [verdict.candidate] : [],
  );
