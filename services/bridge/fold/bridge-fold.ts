import type { LogRecord } from '../../shared/model/log-record.ts';
import { markOf, type RecordMark } from '../../shared/model/record-mark.ts';
import { partitionName, type Source, type SourcePartition } from '../../shared/model/source.ts';
import { nextHour, type Hour } from '../../shared/model/time.ts';
import {
  readEntry,
  type Knowledge,
  type LogEntry,
  type Pretended,
  type RefusalCode,
} from './log-entry.ts';
import type { ClosedUsage } from './open-hour.ts';
import {
  hourFor,
  neededFrom,
  nextDue,
  noteUnverified,
  sourceProgress,
  stopOf,
  type ComposedBefore,
  type PendingCarry,
  type SourceProgress,
} from './source-progress.ts';

/** A closed hour of a source partition that is due to be composed, once and for all. */
export interface DueHour extends ClosedUsage {
  readonly at: SourcePartition;
  readonly source: Source;
  readonly hour: Hour;
  /** The offset of the first record that it was made from. */
  readonly firstOffset: number;
  readonly carries: readonly PendingCarry[];
}

/** A refused record: it is recorded, and billing continues without it. */
export interface RefusedRecord {
  readonly record: LogRecord;
  readonly code: RefusalCode;
  readonly message: string;
}

/** A marker that does not match the records before it: its hour will be published again. */
export interface UnfitMarker {
  readonly at: SourcePartition;
  readonly hour: Hour;
  readonly offset: number;
  /** Parts of the hour. */
  readonly expected: number;
  readonly found: number;
}

/** State of the fold over one partition of the aggregates topic. */
export interface BridgeState {
  nextOffset: number;
  lastRecord: RecordMark | LogRecord | null;
  /** By `partitionName`. */
  readonly sources: Map<string, SourceProgress>;
  readonly composedBefore: ReadonlyMap<string, ComposedBefore>;
  due: DueHour[];
  refused: RefusedRecord[];
  unfit: UnfitMarker[];
}

/** The state before a record; compositions may already be stored. */
export const stateAt = (
  nextOffset: number,
  composedBefore: ReadonlyMap<string, ComposedBefore> = new Map(),
): BridgeState => ({
  nextOffset,
  lastRecord: null,
  sources: new Map(),
  composedBefore,
  due: [],
  refused: [],
  unfit: [],
});

/**
 * Takes the next record of the log:
 *
 * | record                                            | effect                                       |
 * |---------------------------------------------------|----------------------------------------------|
 * | refused                                           | recorded                                     |
 * | refused, of an hour to come, perhaps by a key     | recorded, and read again after a restart     |
 * | that is missing here                              |                                              |
 * | of an abandoned run                               | none                                         |
 * | part or marker of an hour that is composed        | none                                         |
 * | part of another hour                              | collected, once                              |
 * | marker that fits                                  | closes its hour; what is due is composed     |
 * | marker that does not fit                          | a warning                                    |
 * | the first carry of a submission                   | waits for the next composition               |
 * | another carry of it                               | none                                         |
 * | the first move of a carry that waits              | it goes to another source partition          |
 * | another move                                      | none                                         |
 */
export const foldRecord = (state: BridgeState, record: LogRecord, knowledge: Knowledge): void => {
  foldEntry(state, record, readEntry(record, knowledge), knowledge);
  state.nextOffset = record.offset + 1;
  state.lastRecord = record;
};

const foldEntry = (
  state: BridgeState,
  record: LogRecord,
  entry: LogEntry,
  knowledge: Knowledge,
): void => {
  const { offset } = record;
  if (entry.kind === 'refused') {
    const { code, message, pretends } = entry;
    state.refused.push({ record, code, message });
    if (pretends) keepUnverified(state, pretends, offset, knowledge);
    return;
  }
  if (entry.source.state === 'abandoned') return;
  const progress = progressOf(state, entry.at, entry.source);
  switch (entry.kind) {
    case 'part': {
      const { part, value } = entry;
      hourFor(progress, part.reportedHour, offset)?.add(part, value);
      return;
    }
    case 'marker': {
      const { reportedHour: hour, parts } = entry.marker;
      const open = hourFor(progress, hour, offset);
      if (!open) return;
      if (!open.close(entry.marker, offset)) {
        state.unfit.push({ at: entry.at, hour, offset, expected: parts, found: open.parts });
        return;
      }
      takeDue(state, progress);
      return;
    }
    case 'carry': {
      const { carry } = entry;
      const { submissionId } = carry;
      const { carried, carries } = progress;
      if (carried.has(submissionId) || carries.has(submissionId)) return;
      if (carried.has(stopOf(carry))) return;
      carries.set(submissionId, { ...carry, offset });
      return;
    }
    case 'moved': {
      const { submissionId, moves, to } = entry.move;
      const waiting = progress.carries.get(submissionId);
      if (waiting?.moves !== moves) return;
      progress.carries.delete(submissionId);
      progress.carried.add(stopOf(waiting));
      progress.moving.set(stopOf(waiting), { ...waiting, to });
    }
  }
};

const progressOf = (state: BridgeState, at: SourcePartition, source: Source): SourceProgress => {
  const name = partitionName(at);
  let progress = state.sources.get(name);
  if (!progress) {
    progress = sourceProgress(at, source, state.composedBefore.get(name));
    state.sources.set(name, progress);
  }
  return progress;
};

/** Carries go into the first hour that is composed after them. */
const takeDue = (state: BridgeState, progress: SourceProgress): void => {
  const { at, source } = progress;
  for (let open = nextDue(progress); open?.closed; open = nextDue(progress)) {
    const hour = progress.composedThrough;
    const carries = [...progress.carries.values()];
    state.due.push({
      ...open.closed,
      at,
      source,
      hour,
      firstOffset: Math.min(open.firstOffset, ...carries.map(({ offset }) => offset)),
      carries,
    });
    for (const { submissionId } of carries) progress.carried.add(submissionId);
    progress.carries.clear();
    progress.hours.delete(hour);
    progress.composedThrough = nextHour(hour, source.hourMillis);
    progress.unverified.delete(hour);
  }
};

/**
 * Perhaps this process merely lacks the key of the record. Then its hour stays open, so nothing more is
 * composed for its source partition. After a restart with the key the record is read again.
 */
const keepUnverified = (
  state: BridgeState,
  { reportedHour, isMarker, ...at }: Pretended,
  offset: number,
  knowledge: Knowledge,
): void => {
  const source = knowledge.sources.get(`${at.topic}/${String(at.epoch)}`);
  if (!source) return;
  if (source.state === 'abandoned') return;
  noteUnverified(progressOf(state, at, source), reportedHour, offset, isMarker);
};

/** Forgets what was read of runs that have since been abandoned. */
export const dropAbandoned = (state: BridgeState, sources: ReadonlyMap<string, Source>): void => {
  for (const [name, { source }] of state.sources) {
    const now = sources.get(`${source.topic}/${String(source.epoch)}`);
    if (now?.state === 'abandoned') state.sources.delete(name);
  }
};

/** Where an owner resumes. It follows from the log alone. */
export interface BridgeCheckpoint {
  readonly nextOffset: number;
  /** Where reading begins again: the first record of the hours that are not composed yet. */
  readonly resumeOffset: number;
  readonly lastRecord: RecordMark | null;
}

/** What to store, and the checkpoint to write after it. */
export interface BridgeChunk {
  readonly due: readonly DueHour[];
  readonly refused: readonly RefusedRecord[];
  readonly unfit: readonly UnfitMarker[];
  readonly checkpoint: BridgeCheckpoint;
}

export const resumeOffset = (state: BridgeState): number => {
  let resume = state.nextOffset;
  for (const progress of state.sources.values()) {
    resume = Math.min(resume, neededFrom(progress) ?? resume);
  }
  return resume;
};

/** Cuts off what is pending. Folding may continue afterwards. */
export const cut = (state: BridgeState): BridgeChunk => {
  const { due, refused, unfit } = state;
  state.due = [];
  state.refused = [];
  state.unfit = [];
  return {
    due,
    refused,
    unfit,
    checkpoint: {
      nextOffset: state.nextOffset,
      resumeOffset: resumeOffset(state),
      lastRecord: markOf(state.lastRecord),
    },
  };
};
