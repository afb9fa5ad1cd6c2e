import { sourceName, type Source, type SourcePartition } from '../../shared/model/source.ts';
import { isoText, nextHour, type Hour } from '../../shared/model/time.ts';
import type { UsageCarry } from '../../shared/model/usage-carry.ts';
import { OpenHour } from './open-hour.ts';

/** A carry in the log that is not in a composition yet. */
export interface PendingCarry extends UsageCarry {
  readonly offset: number;
}

/** A carry that leaves this source partition for another one: the first move in its log says so. */
export interface LeavingCarry extends UsageCarry {
  readonly to: SourcePartition;
}

/** The carry at the place to which it goes. */
export const arrived = ({ to, ...carry }: LeavingCarry): UsageCarry => ({
  ...carry,
  ...to,
  moves: carry.moves + 1,
});

/** One whose records in the log are still needed. */
export interface MovingCarry extends PendingCarry, LeavingCarry {}

/**
 * The name of a carry at one stop of its way. A carry that is moved away and comes back, because its resource provider
 * does, is at another stop.
 */
export const stopOf = ({
  submissionId,
  moves,
}: Pick<UsageCarry, 'submissionId' | 'moves'>): string => `${submissionId}#${String(moves)}`;

/** What has been composed for a source partition, as stored. */
export interface ComposedBefore {
  /** Every hour before it is composed; null if none is. */
  readonly composedThrough: Hour | null;
  /** Submissions whose carries are in these compositions, and carries that were moved away, by `stopOf`. */
  readonly carried: ReadonlySet<string>;
}

/** How far one source partition is composed, and what has been read beyond that. */
export interface SourceProgress {
  readonly at: SourcePartition;
  readonly source: Source;
  /** Every hour before this one is composed. It is the next hour to compose. */
  composedThrough: Hour;
  readonly hours: Map<Hour, OpenHour>;
  /** By carried submission, in the order of the log. */
  readonly carries: Map<string, PendingCarry>;
  /**
   * Submissions whose carries are in compositions: a later carry of them does not count. And carries that were moved
   * away, by `stopOf`: the same one does not count again.
   */
  readonly carried: Set<string>;
  /** Carries that were moved away, and of which that is not noted yet, by `stopOf`. */
  readonly moving: Map<string, MovingCarry>;
  /** Hours with records that could not be verified. Perhaps only their key is missing. */
  readonly unverified: Map<Hour, Unverified>;
}

/** The positions of an hour's records that could not be verified. */
interface Unverified {
  /** The offset of the first one. */
  readonly from: number;
  /** The offset of the first closed marker among them. */
  marker: number | null;
}

export const sourceProgress = (
  at: SourcePartition,
  source: Source,
  before: ComposedBefore | undefined,
): SourceProgress => ({
  at,
  source,
  composedThrough: before?.composedThrough ?? source.firstHour,
  hours: new Map(),
  carries: new Map(),
  carried: new Set(before?.carried),
  moving: new Map(),
  unverified: new Map(),
});

/** The hour to which a record belongs; null if it is already composed. */
export const hourFor = (progress: SourceProgress, hour: Hour, offset: number): OpenHour | null => {
  if (hour < progress.composedThrough) return null;
  let open = progress.hours.get(hour);
  if (!open) {
    open = new OpenHour(offset);
    progress.hours.set(hour, open);
  }
  return open;
};

/**
 * Records that could not be verified are read again after a restart, which may bring their key, but only
 * for this many hours from the next one on. A stranger's records must not hold back more than that.
 */
const UNVERIFIED_HOURS = 48;

/** Notes a record that could not be verified, if its hour is not composed yet. */
export const noteUnverified = (
  { unverified, composedThrough, source }: SourceProgress,
  hour: Hour,
  offset: number,
  isMarker: boolean,
): void => {
  const ahead = (hour - composedThrough) / source.hourMillis;
  if (ahead < 0 || ahead >= UNVERIFIED_HOURS) return;
  const noted = unverified.get(hour) ?? { from: offset, marker: null };
  unverified.set(hour, noted);
  if (isMarker) noted.marker ??= offset;
};

/**
 * The next hour that is due. Live hours are due when they close, one after another. A history run can be
 * abandoned until all of it is written, and then other runs may cover its hours. So none of its hours is
 * due before the last one is closed, which its `end` record does.
 */
export const nextDue = (progress: SourceProgress): OpenHour | null => {
  const { source, hours, composedThrough } = progress;
  const { lastHour } = source;
  if (source.state === 'abandoned') return null;
  if (lastHour !== null && composedThrough <= lastHour && !hours.get(lastHour)?.closed) return null;
  const next = hours.get(composedThrough);
  return next?.closed ? next : null;
};

/** The lowest offset from which reading again restores all of this; null if nothing is needed. */
export const neededFrom = (progress: SourceProgress): number | null => {
  const { hours, carries, moving, unverified } = progress;
  let needed = Infinity;
  for (const { from } of unverified.values()) needed = Math.min(needed, from);
  for (const { firstOffset } of hours.values()) needed = Math.min(needed, firstOffset);
  for (const { offset } of carries.values()) needed = Math.min(needed, offset);
  for (const { offset } of moving.values()) needed = Math.min(needed, offset);
  return needed === Infinity ? null : needed;
};

/**
 * Why this source partition cannot continue: later hours are closed, but an earlier one is not. It
 * continues by itself when the marker of that hour arrives.
 */
export const blockedBy = (progress: SourceProgress): string | null => {
  const { source, hours, composedThrough: next, unverified } = progress;
  if (hours.get(next)?.closed) return null;
  const isLater = (hour: Hour): boolean => hour > next && hours.get(hour)?.closed != null;
  if (![...hours.keys()].some(isLater)) return null;
  const hour = `reported hour ${isoText(next)} to ${isoText(nextHour(next, source.hourMillis))}`;
  const marker = unverified.get(next)?.marker ?? null;
  return marker === null
    ? `${hour} of ${sourceName(source)} has no closed marker that matches, although later hours have one: nothing of this ` +
        'source partition is billed until it is published again; see docs/operations.md, "A source is not billed"'
    : `the closed marker of ${hour} of ${sourceName(source)}, at offset ${String(marker)}, cannot be verified: ` +
        'give the bridge the USAGE_CONTROL_KEYS of the aggregator and restart it';
};
