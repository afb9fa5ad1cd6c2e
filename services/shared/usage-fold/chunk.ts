import { parseRules } from '../model/rules.ts';
import type { SourcePartition } from '../model/source.ts';
import type { Hour, Millis } from '../model/time.ts';
import {
  initialState,
  nothingPending,
  PLAIN,
  type ClosedHour,
  type Counts,
  type DeadLetter,
  type FoldForm,
  type FoldState,
  type LedgerEntry,
} from './fold.ts';
import type { Halt } from './halt.ts';
import { activate, cannotApply, type Knowledge } from './knowledge.ts';
import { markOf, type RecordMark } from '../model/record-mark.ts';
import type { Rows } from './rows.ts';
import type { Window } from './window.ts';
import type { Place } from './place.ts';
import { fail, succeed, type Result } from '../model/result.ts';

/** Where an owner resumes: everything below `nextOffset` is stored. It follows from the log alone. */
export interface Checkpoint extends SourcePartition {
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly watermark: Millis;
  /** Every reported time before this instant is closed; the open hour starts here. */
  readonly openHour: Hour;
  readonly sealed: boolean;
  /** Usage that started before this instant is refused; null if the ledger has never been trimmed. */
  readonly floor: Millis | null;
  readonly counts: Counts;
  readonly lastRecord: RecordMark | null;
  /** The text of the rules in force; null before the first ones. */
  readonly rules: string | null;
}

/** The rows of a cut of the fold. */
export interface ChunkRows {
  /** The reported hour of all its ledger entries and windows. */
  readonly reportedHour: Hour;
  readonly ledger: Rows<LedgerEntry>;
  readonly windows: Rows<Window>;
  readonly deadLetters: readonly DeadLetter[];
}

/** One consistent cut of the fold: the rows to store, and the checkpoint to write after them. */
export interface Chunk extends ChunkRows {
  readonly closed: readonly ClosedHour[];
  readonly checkpoint: Checkpoint;
}

export const checkpointOf = (state: FoldState): Checkpoint => {
  const { topic, epoch, partition } = state.place;
  return {
    topic,
    epoch,
    partition,
    firstOffset: state.firstOffset,
    nextOffset: state.nextOffset,
    watermark: state.timeline.watermark,
    openHour: state.timeline.openHour,
    sealed: state.timeline.sealed,
    floor: state.timeline.floor,
    counts: state.counts,
    lastRecord: markOf(state.lastRecord),
    rules: state.timeline.rules?.text ?? null,
  };
};

/**
 * Cuts off what is pending. The rows are taken as they are now, and folding may continue. If it `goesOn`, the next cut
 * will be stored together with this one.
 */
export const cut = (state: FoldState, goesOn = false): Chunk => {
  const { ledger, deadLetters, closed } = state.pending;
  const windows = state.windows.takeTouched();
  const { rows, next } = state.form.take(ledger);
  state.pending = nothingPending(next);
  if (!goesOn) separate(state);
  return {
    reportedHour: state.timeline.openHour,
    ledger: rows,
    windows,
    deadLetters,
    closed,
    checkpoint: checkpointOf(state),
  };
};

/** What is cut off from now on is not stored together with earlier cuts. Nothing may be pending. */
export const separate = (state: FoldState): void => {
  const { ledger } = state.pending;
  if (ledger.length > 0 || state.windows.touchedCount > 0) {
    throw new Error('rows are pending that no cut has taken');
  }
  state.windows.separate();
  state.pending = { ...state.pending, ledger: state.form.apart(ledger) };
};

/**
 * The state at a checkpoint, with the stored windows of its open hour; `windows` is null if they do not all
 * fit in memory.
 */
export const resume = (
  place: Place,
  checkpoint: Checkpoint,
  windows: Iterable<Window> | null,
  knowledge: Knowledge,
  form: FoldForm = PLAIN,
): Result<FoldState, Halt> => {
  const rules = checkpoint.rules === null ? null : parseRules(checkpoint.rules);
  if (checkpoint.rules !== null && rules === null) {
    return fail({
      code: 'unknown-rules',
      message:
        'the rules in the checkpoint cannot be read: run the version of the aggregator that wrote it',
    });
  }
  const halt = rules && cannotApply(rules, knowledge);
  if (halt) return fail(halt);
  return succeed({
    ...initialState(place, checkpoint.firstOffset, form),
    nextOffset: checkpoint.nextOffset,
    timeline: {
      watermark: checkpoint.watermark,
      openHour: checkpoint.openHour,
      sealed: checkpoint.sealed,
      floor: checkpoint.floor,
      rules: rules && activate(rules, checkpoint.rules ?? ''),
    },
    counts: checkpoint.counts,
    lastRecord: checkpoint.lastRecord,
    windows: form.windows(place, checkpoint.openHour, windows),
  });
};
