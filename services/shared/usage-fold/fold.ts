import type { DeadLetterCode } from '../model/dead-letter.ts';
import { nextHour, type Hour, type Millis } from '../model/time.ts';
import type { EventIndex } from './event-index.ts';
import { EARLIER_EPOCH, type SeenEvent } from './event-table.ts';
import type { LogRecord } from '../model/log-record.ts';
import { OpenWindows, type Windows } from './open-windows.ts';
import type { Rows } from './rows.ts';
import type { RecordMark } from '../model/record-mark.ts';
import { timelineStart, type Step, type Timeline } from './timeline.ts';
import { windowEventOf, type Window } from './window.ts';
import type { Place } from './place.ts';
import type { Candidate } from './verdict.ts';

/** Every offset of the log is in exactly one of these; they add up to nextOffset - firstOffset. */
export interface Counts {
  readonly accepted: number;
  readonly duplicate: number;
  readonly deadLettered: number;
  readonly control: number;
  /** Offsets whose records were lost unread, as a person has accepted: see `loss.ts`. */
  readonly lost: number;
}

/** An accepted event, for the ledger. */
export interface LedgerEntry {
  readonly offset: number;
  readonly reportedTime: Millis;
  readonly reportedHour: Hour;
  readonly candidate: Candidate;
}

export interface DeadLetter {
  readonly record: LogRecord;
  readonly code: DeadLetterCode;
  readonly message: string;
  readonly reportedTime: Millis;
}

/** A reported hour of the partition that is closed and never changes again. */
export interface ClosedHour {
  readonly hour: Hour;
  /** All its windows; null if not all are in memory. Then all of them are stored. */
  readonly windows: Rows<Window> | null;
}

/** Accepted events since the last cut, in the order of the log. */
export interface Ledger extends Rows<LedgerEntry> {
  push(entry: LedgerEntry): unknown;
}

/** How a fold keeps what it accepts: as objects, or packed into arrays (see `packed/`). */
export interface FoldForm {
  /** An empty ledger. */
  readonly ledger: (place: Place) => Ledger;
  /** Takes the rows of a ledger. It goes on in `next`: what comes will be stored together with them. */
  readonly take: (ledger: Ledger) => { readonly rows: Rows<LedgerEntry>; readonly next: Ledger };
  /** An empty ledger whose rows are stored apart from those of an earlier one. */
  readonly apart: (before: Ledger) => Ledger;
  /**
   * Creates the windows of an hour from the stored ones; `stored` is null if they do not all fit in memory.
   */
  readonly windows: (place: Place, hour: Hour, stored: Iterable<Window> | null) => Windows;
  /** Those of the hour that follows on these: none yet. */
  readonly windowsBehind: (before: Windows, place: Place, hour: Hour) => Windows;
}

/** Everything is an object. Tests compare the packed form with this reference. */
export const PLAIN: FoldForm = {
  ledger: () => [],
  take: (ledger) => ({ rows: ledger, next: [] }),
  apart: () => [],
  windows: (_place, _hour, stored) => new OpenWindows(stored),
  windowsBehind: () => new OpenWindows([]),
};

/** What the fold has produced since the last cut. */
export interface Pending {
  readonly ledger: Ledger;
  readonly deadLetters: DeadLetter[];
  readonly closed: ClosedHour[];
}

/**
 * State of one partition's fold. Its fields are replaced by `count`, `skipTo` and `enterTimeline` here, by `cut`
 * (chunk.ts), and by the functions of loss.ts.
 */
export interface FoldState {
  readonly place: Place;
  readonly firstOffset: number;
  nextOffset: number;
  timeline: Timeline;
  counts: Counts;
  lastRecord: RecordMark | LogRecord | null;
  readonly form: FoldForm;
  /** Windows of the open hour. */
  windows: Windows;
  pending: Pending;
}

export const nothingPending = (ledger: Ledger): Pending => ({
  ledger,
  deadLetters: [],
  closed: [],
});

/** The state before the first record of a partition. */
export const initialState = (
  place: Place,
  firstOffset: number,
  form: FoldForm = PLAIN,
): FoldState => ({
  place,
  firstOffset,
  nextOffset: firstOffset,
  timeline: timelineStart(place.source),
  counts: { accepted: 0, duplicate: 0, deadLettered: 0, control: 0, lost: 0 },
  lastRecord: null,
  form,
  windows: form.windows(place, timelineStart(place.source).openHour, []),
  pending: nothingPending(form.ledger(place)),
});

export type Outcome = 'accepted' | 'duplicate' | 'dead-lettered' | 'control';

/**
 * Whether a step begins a new reported hour while events of the open hour are pending. They must be cut off
 * first: a chunk never spans two reported hours, so its ledger insert is one block.
 */
export const mustCutBefore = (state: FoldState, step: Step): boolean =>
  state.pending.ledger.length > 0 && step.after.openHour !== state.timeline.openHour;

/**
 * Counts one judged record, in the order of the log. The ids of a candidate's usage hour must have been
 * loaded into the index, and its window too if not all windows are in memory.
 *
 * | verdict                                         | counts as     | effect                        |
 * |-------------------------------------------------|---------------|-------------------------------|
 * | control                                         | control       |                               |
 * | dead letter                                     | dead-lettered | dead letter                   |
 * | candidate, id not seen at a lower offset        | accepted      | ledger, index, window         |
 * | candidate, id seen lower, same content          | duplicate     |                               |
 * | candidate, id seen lower, other content         | dead-lettered | dead letter `conflict`        |
 *
 * Offsets that the log skips (transaction markers) count as control. If the step ends the open hour, that
 * hour and the empty hours up to the new one are closed first. An `end` record closes the hours up to the
 * source's last.
 *
 * @throws if the step halts: the caller must check that first
 */
export const count = (state: FoldState, step: Step, index: EventIndex): Outcome => {
  const { record, after, verdict } = step;
  if (verdict.kind === 'halt') throw new Error(`folded on past a halt: ${verdict.halt.message}`);

  enterTimeline(state, after);

  let outcome: Outcome;
  if (verdict.kind === 'candidate')
    outcome = countCandidate(state, record, verdict.candidate, index);
  else if (verdict.kind === 'dead-letter')
    outcome = refuse(state, record, verdict.code, verdict.message);
  else outcome = 'control';

  state.counts = add(state.counts, outcome, record.offset - state.nextOffset);
  state.nextOffset = record.offset + 1;
  state.lastRecord = record;
  return outcome;
};

/**
 * Moves past offsets that hold no record (transaction markers and aborted records). They count as control.
 */
export const skipTo = (state: FoldState, nextOffset: number): void => {
  const { control } = state.counts;
  state.counts = { ...state.counts, control: control + nextOffset - state.nextOffset };
  state.nextOffset = nextOffset;
};

/** Moves to a later timeline and closes the hours before its open hour. */
export const enterTimeline = (state: FoldState, after: Timeline): void => {
  if (after.openHour > state.timeline.openHour) closeHours(state, after.openHour);
  state.timeline = after;
};

/** Closes the open hour, and the empty hours up to the new one. */
const closeHours = (state: FoldState, openHour: Hour): void => {
  const { hourMillis } = state.place.source;
  const { closed } = state.pending;
  if (state.windows.touchedCount > 0) {
    throw new Error('an hour closes before its windows have been cut off');
  }
  closed.push({
    hour: state.timeline.openHour,
    windows: state.windows.closed(),
  });
  state.windows = state.form.windowsBehind(state.windows, state.place, openHour);
  let hour = nextHour(state.timeline.openHour, hourMillis);
  while (hour < openHour) {
    closed.push({ hour, windows: [] });
    hour = nextHour(hour, hourMillis);
  }
};

const countCandidate = (
  state: FoldState,
  record: LogRecord,
  candidate: Candidate,
  index: EventIndex,
): Outcome => {
  const { offset } = record;
  const table = index.table(candidate.usageHour);
  const seen = table.find(candidate.event.eventId);
  if (seen !== null && seen.offset < offset) {
    return seen.digest === candidate.digest
      ? 'duplicate'
      : refuse(
          state,
          record,
          'conflict',
          `its id was accepted ${whereSeen(seen)} with other content`,
        );
  }
  table.add(candidate.event.eventId, offset, candidate.digest);
  index.pin(candidate.usageHour);
  const { watermark, openHour } = state.timeline;
  state.pending.ledger.push({
    offset,
    reportedTime: watermark,
    reportedHour: openHour,
    candidate,
  });
  state.windows.add(windowEventOf(candidate), candidate.quantity, offset);
  return 'accepted';
};

const whereSeen = ({ offset }: SeenEvent): string =>
  offset === EARLIER_EPOCH ? 'in an earlier epoch of the topic' : `at offset ${String(offset)}`;

const refuse = (
  state: FoldState,
  record: LogRecord,
  code: DeadLetterCode,
  message: string,
): Outcome => {
  state.pending.deadLetters.push({
    record,
    code,
    message,
    reportedTime: state.timeline.watermark,
  });
  return 'dead-lettered';
};

const add = (counts: Counts, outcome: Outcome, gap: number): Counts => ({
  accepted: counts.accepted + (outcome === 'accepted' ? 1 : 0),
  duplicate: counts.duplicate + (outcome === 'duplicate' ? 1 : 0),
  deadLettered: counts.deadLettered + (outcome === 'dead-lettered' ? 1 : 0),
  control: counts.control + gap + (outcome === 'control' ? 1 : 0),
  lost: counts.lost,
});
