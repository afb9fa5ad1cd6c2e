import type { LogRecord } from '../../../services/shared/model/log-record.ts';
import { cut, resume, type Chunk } from '../../../services/shared/usage-fold/chunk.ts';
import { EventIndex } from '../../../services/shared/usage-fold/event-index.ts';
import {
  count,
  initialState,
  mustCutBefore,
  PLAIN,
  type FoldForm,
  type FoldState,
  type Outcome,
} from '../../../services/shared/usage-fold/fold.ts';
import type { Halt } from '../../../services/shared/usage-fold/halt.ts';
import type { Knowledge } from '../../../services/shared/usage-fold/knowledge.ts';
import {
  countRemnant,
  mustCutBeforeRemnant,
  passLoss,
  type AcceptedLoss,
} from '../../../services/shared/usage-fold/loss.ts';
import { contradiction, type LedgerTail } from '../../../services/shared/usage-fold/ledger-tail.ts';
import { advance, type Step } from '../../../services/shared/usage-fold/timeline.ts';
import { windowKey, type WindowIdentity } from '../../../services/shared/usage-fold/window.ts';
import type { StoredWorld } from './stored-world.ts';
import { succeed } from '../../../services/shared/model/result.ts';

/** Takes a chunk, and stores it unless it answers `'waits'`. */
export type OnCut = (chunk: Chunk) => unknown;

/** An owner of a partition without any I/O: it begins where the stored world says. */
export class FoldRun {
  readonly state: FoldState;
  readonly halt: Halt | null;
  private readonly world: StoredWorld;
  private readonly knowledge: Knowledge;
  private readonly tail: LedgerTail;
  private readonly windowsMaxBytes: number;
  private readonly index = new EventIndex(0); // drops what it may at every turn

  /**
   * With a bound on the windows in memory, in bytes: 0 reads each of them again at every turn. Only rows
   * of the packed form can be written to ClickHouse.
   */
  constructor(
    world: StoredWorld,
    knowledge: Knowledge,
    windowsMaxBytes = Infinity,
    form: FoldForm = PLAIN,
  ) {
    this.windowsMaxBytes = windowsMaxBytes;
    this.world = world;
    this.knowledge = knowledge;
    const { checkpoint, place } = world;
    const windows = checkpoint ? world.openWindows(checkpoint.openHour) : [];
    const state = checkpoint
      ? resume(place, checkpoint, windows, knowledge, form)
      : succeed(initialState(place, 0, form));
    this.halt = state.ok ? null : state.error;
    this.state = state.ok ? state.value : initialState(place, 0, form);
    this.tail = world.tail(checkpoint ?? cut(initialState(place, 0)).checkpoint);
  }

  /**
   * Folds a batch: judges all of it, then counts it record by record. Gives the chunks that had to
   * be cut off to `onCut`, and what happened to each record to `onCounted`.
   * @returns why it stopped, or null.
   */
  fold(
    records: readonly LogRecord[],
    onCut: OnCut,
    onCounted: (step: Step, outcome: Outcome, state: FoldState) => void = () => undefined,
  ): Halt | null {
    const { state, index, world } = this;
    const steps: Step[] = [];
    let { timeline } = state;
    for (const record of records.filter(({ offset }) => offset >= state.nextOffset)) {
      const step = advance(world.place, timeline, record, this.knowledge);
      steps.push(step);
      if (step.verdict.kind === 'halt') break;
      timeline = step.after;
    }
    for (const step of steps) {
      const { verdict } = step;
      if (verdict.kind === 'halt') return verdict.halt;
      if (mustCutBefore(state, step)) this.cut(onCut);
      if (verdict.kind === 'candidate') {
        const { usageHour } = verdict.candidate;
        for (const hour of index.missing([usageHour])) index.put(hour, world.eventTable(hour));
        if (step.after.openHour === state.timeline.openHour) this.loadWindow(verdict.candidate);
      }
      const { nextOffset } = state;
      const outcome = count(state, step, index);
      const halt = contradiction(this.tail, nextOffset, step, outcome);
      if (halt) return halt;
      onCounted(step, outcome, state);
    }
    return null;
  }

  /** Goes on behind records that are gone, as a worker does where that was accepted. */
  takeOver(loss: AcceptedLoss, onCut: OnCut): void {
    const { state } = this;
    for (const remnant of this.world.remnants(state.nextOffset, loss.nextOffset)) {
      if (remnant.kind === 'accepted') this.loadWindow(remnant.event);

      if (mustCutBeforeRemnant(state, remnant)) this.cut(onCut);
      countRemnant(state, remnant);
    }
    this.cut(onCut);
    passLoss(state, loss);
    this.cut(onCut);
  }

  /** Cuts off what is pending. When `onCut` returns, the ledger has acknowledged it, but where it is to wait. */
  cut(onCut: OnCut): void {
    if (onCut(cut(this.state)) === 'waits') return;
    this.index.acknowledged();
    this.index.evict(new Set());

    this.state.windows.evict(this.windowsMaxBytes, []);
  }

  private loadWindow(identity: WindowIdentity): void {
    const { windows, timeline } = this.state;
    const asked = windows.missing([identity]);
    const keys = new Set(asked.map(windowKey));
    const stored = this.world.openWindows(timeline.openHour);
    windows.load(
      asked,
      stored.filter((window) => keys.has(windowKey(window))),
    );
  }
}
