import { sourceName, type Source, type SourcePartition } from '../../shared/model/source.ts';
import { isoText, nextHour, type Hour } from '../../shared/model/time.ts';
import type { UsageCarry } from '../../shared/model/usage-carry.ts';
import { OpenHour } from './open-hour.ts';

/** A carry that is in the log and is in no composition yet. */
export interface PendingCarry extends UsageCarry {
  readonly offset: number;
}

/** What has been composed of a source partition, as it is stored. */
export interface ComposedBefore {
  /** Every hour before it is composed. */
  readonly composedThrough: Hour;
  /** Submissions whose carries are in these compositions. */
  readonly carried: ReadonlySet<string>;
}

/** How far one source partition is composed, and what has been read of it beyond that. */
export interface SourceProgress {
  readonly at: SourcePartition;
  readonly source: Source;
  /** Every hour before it is composed: the next one to be composed. */
  composedThrough: Hour;
  readonly hours: Map<Hour, OpenHour>;
  /** By the submission that is carried, in the order of the log. */
  readonly carries: Map<string, PendingCarry>;
  /** Submissions whose carries are in compositions: a later carry of one does not count. */
  readonly carried: Set<string>;
  /** Hours of which there are records that could not be verified: their key may only be missing. */
  readonly unverified: Map<Hour, Unverified>;
}

/** Where records of an hour stand that could not be verified. */
interface Unverified {
  /** Offset of the first of them. */
  readonly from: number;
  /** Offset of the first closed marker among them. */
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
  unverified: new Map(),
});

/** The hour in which a record belongs; null where it is composed already. */
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
 * Of so many hours from the next one on, records that could not be verified are read again after a
 * restart, which may bring their key. A stranger's records must not keep more than that.
 */
const UNVERIFIED_HOURS = 48;

/** Notes a record that could not be verified, of an hour that is not composed. */
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
 * The next hour that is due. Live hours are due when they are closed, one after another. A history
 * run may be abandoned until all of it is written, and then other runs may cover its hours: so none
 * of its hours is due before the last one is closed, which its `end` record does.
 */
export const nextDue = (progress: SourceProgress): OpenHour | null => {
  const { source, hours, composedThrough } = progress;
  const { lastHour } = source;
  if (source.state === 'abandoned') return null;
  if (lastHour !== null && composedThrough <= lastHour && !hours.get(lastHour)?.closed) return null;
  const next = hours.get(composedThrough);
  return next?.closed ? next : null;
};

/** The lowest offset from which reading again gives all of this; null where nothing is needed. */
export const neededFrom = ({ hours, carries, unverified }: SourceProgress): number | null => {
  let needed = Infinity;
  for (const { from } of unverified.values()) needed = Math.min(needed, from);
  for (const { firstOffset } of hours.values()) needed = Math.min(needed, firstOffset);
  for (const { offset } of carries.values()) needed = Math.min(needed, offset);
  return needed === Infinity ? null : needed;
};

/**
 * Why this source partition cannot continue although later hours are closed: one before them is not.
 * It continues by itself when that one's marker comes.
 */
export const blockedBy = (progress: SourceProgress): string | null => {
  const { source, hours, composedThrough: next, unverified } = progress;
  if (hours.get(next)?.closed) return null;
  const isLater = (hour: Hour): boolean => hour > next && hours.get(hour)?.closed != null;
  if (![...hours.keys()].some(isLater)) return null;
  const hour = `reported hour ${isoText(next)} to ${isoText(nextHour(next, source.hourMillis))}`;
  const marker = unverified.get(next)?.marker ?? null;
  return marker === null
    ? `${hour} of ${sourceName(source)} has no closed marker that fits, and later hours have one: nothing of this ` +
        'source partition is billed until it is published again; see docs/operations.md, "A source is not billed"'
    : `the closed marker of ${hour} of ${sourceName(source)}, at offset ${String(marker)}, cannot be verified: ` +
        'give the bridge the USAGE_CONTROL_KEYS of the aggregator and restart it';
};
