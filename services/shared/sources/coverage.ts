import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../clickhouse/client.ts';
import {
  partitionName,
  type Source,
  type SourceId,
  type SourcePartition,
} from '../model/source.ts';
import { nextHour, type Hour, type Millis } from '../model/time.ts';
import { readSources } from './register.ts';

/** What one partition of a source has closed, from its checkpoint. */
export interface PartitionProgress extends SourcePartition {
  /** Every reported time before this hour is closed. */
  readonly openHour: Hour;
  /** Whether its `end` record has been read. Nothing can enter the partition any more. */
  readonly sealed: boolean;
}

/** The covered reported time `[from, to)`, of which `[from, closed)` is closed. */
interface Span {
  readonly from: Millis;
  readonly closed: Millis;
  readonly to: Millis;
}

interface SourceSpan extends Span {
  readonly source: Source;
}

/**
 * Which reported hours sources answer for, and which of those never change again (docs/design.md,
 * "Sources").
 */
export interface Coverage {
  /** The first hour of the first live source; null if there is none. */
  readonly firstLiveHour: Hour | null;
  /**
   * Every live hour before this one is complete: all partitions of all live sources have closed it. Null if
   * there is no live source.
   */
  readonly completeBefore: Hour | null;
  readonly sources: readonly SourceSpan[];
}

/**
 * - `complete`: covered, and closed by every partition of every source that covers it
 * - `processing`: covered and not closed yet
 * - `not-covered`: no source answers for it
 */
export type HourState = 'complete' | 'processing' | 'not-covered';

const ALWAYS = Infinity as Hour;

/**
 * | source                                  | covers                          | closed                       |
 * |-----------------------------------------|---------------------------------|------------------------------|
 * | live                                    | from its first hour on          | by its slowest open partition|
 * | live, every partition sealed            | to where its last one ended     | all of it                    |
 * | history, sealed                         | its first to its last hour      | by its slowest partition     |
 * | history, declared, open or written      | its first to its last hour      | nothing                      |
 * | history, abandoned                      | nothing                         |                              |
 *
 * A partition without a checkpoint counts as open at the first hour of its source.
 */
export const coverageOf = (
  sources: readonly Source[],
  progress: readonly PartitionProgress[],
): Coverage => {
  const byPartition = new Map(progress.map((each) => [partitionName(each), each]));
  const spans = sources
    .filter(({ kind, state }) => kind === 'live' || state !== 'abandoned')
    .map((source) => spanOf(source, partitionsOf(source, byPartition)));
  const live = spans.filter(({ source }) => source.kind === 'live');
  return {
    firstLiveHour: live.length === 0 ? null : earliest(live.map(({ from }) => from)),
    completeBefore: live.length === 0 ? null : liveCompleteBefore(live),
    sources: spans,
  };
};

const earliest = (hours: readonly Millis[]): Hour => Math.min(...hours) as Hour;

const partitionsOf = (
  source: Source,
  progress: ReadonlyMap<string, PartitionProgress>,
): readonly PartitionProgress[] =>
  Array.from({ length: source.partitions }, (_, partition) => {
    const at = { topic: source.topic, epoch: source.epoch, partition };
    return progress.get(partitionName(at)) ?? { ...at, openHour: source.firstHour, sealed: false };
  });

const spanOf = (source: Source, partitions: readonly PartitionProgress[]): SourceSpan => {
  const from = source.firstHour;
  if (source.kind === 'live') {
    const open = partitions.filter(({ sealed }) => !sealed);
    if (open.length > 0) {
      return { source, from, closed: earliest(open.map(closedBefore)), to: ALWAYS };
    }
    const to = Math.max(...partitions.map(closedBefore)) as Hour;
    return { source, from, closed: to, to };
  }
  const to = source.lastHour === null ? ALWAYS : nextHour(source.lastHour, source.hourMillis);
  const closed = source.state === 'sealed' ? earliest(partitions.map(closedBefore)) : from;
  return { source, from, closed, to };
};

const closedBefore = ({ openHour }: PartitionProgress): Hour => openHour;

/**
 * A sealed source delays nothing. If all are sealed, a new epoch may begin right after them, so nothing
 * after them is complete.
 */
const liveCompleteBefore = (live: readonly Span[]): Hour => {
  const open = live.filter(({ to }) => to === ALWAYS);
  return open.length > 0
    ? earliest(open.map(({ closed }) => closed))
    : (Math.max(...live.map(({ closed }) => closed)) as Hour);
};

/**
 * The covered spans, with all live sources as one, because their hours are complete together or not at all.
 */
const answeredSpans = ({ firstLiveHour, completeBefore, sources }: Coverage): readonly Span[] => {
  const history = sources.filter(({ source }) => source.kind === 'history');
  return firstLiveHour === null || completeBefore === null
    ? history
    : [{ from: firstLiveHour, closed: completeBefore, to: ALWAYS }, ...history];
};

/** A span `[from, to)` of reported time in one state. */
export interface StateSpan {
  readonly from: Millis;
  readonly to: Millis;
  readonly state: HourState;
}

/** The states of `[from, to)`, in order and without gaps. Neighbours differ. */
export const stateSpans = (coverage: Coverage, from: Millis, to: Millis): readonly StateSpan[] => {
  const covered = answeredSpans(coverage);
  const bounds = covered.flatMap((span) => [span.from, span.closed, span.to]);
  const starts = [from, ...bounds.filter((bound) => from < bound && bound < to)];
  const ordered = [...new Set(starts)].sort((a, b) => a - b);
  const spans: StateSpan[] = [];
  for (const [index, start] of ordered.entries()) {
    const at = covered.filter((span) => span.from <= start && start < span.to);
    const state = stateOf(at, start);
    const last = spans.at(-1);
    const span = { from: start, to: ordered[index + 1] ?? to, state };
    if (last?.state === state) spans[spans.length - 1] = { ...last, to: span.to };
    else spans.push(span);
  }
  return spans;
};

const stateOf = (covering: readonly Span[], at: Millis): HourState => {
  if (covering.length === 0) return 'not-covered';
  return covering.every(({ closed }) => at < closed) ? 'complete' : 'processing';
};

/**
 * The start of the first part of `[from, to)` that is covered but not closed. Null if there is none: then
 * what is known about the range never changes.
 */
export const firstProcessing = (coverage: Coverage, from: Millis, to: Millis): Hour | null => {
  const first = stateSpans(coverage, from, to).find(({ state }) => state === 'processing');
  return first === undefined ? null : first.from;
};

export const hourState = (coverage: Coverage, hour: Hour, hourMillis: number): HourState => {
  const states = stateSpans(coverage, hour, nextHour(hour, hourMillis)).map(({ state }) => state);
  if (states.includes('processing')) return 'processing';
  return states.includes('complete') ? 'complete' : 'not-covered';
};

/**
 * The sources whose rows answer for `[from, to)` when nothing in it is still processing: live sources, and
 * history runs, which are sealed by then.
 */
export const countedSources = (
  { sources }: Coverage,
  from: Millis,
  to: Millis,
): readonly SourceId[] =>
  sources
    .filter((span) => span.from < to && from < span.to)
    .map(({ source: { topic, epoch } }) => ({ topic, epoch }));

interface ProgressRow extends SourcePartition {
  readonly open_hour: number;
  readonly sealed: boolean;
}

export const readProgress = async (
  client: ClickHouseClient,
): Promise<readonly PartitionProgress[]> => {
  const rows = await queryRows<ProgressRow>(
    client,
    `SELECT topic, epoch, partition, toUnixTimestamp(c.open_hour) AS open_hour, sealed
     FROM checkpoints AS c FINAL`,
  );
  return rows.map(({ open_hour, sealed, ...at }) => ({
    ...at,
    openHour: (open_hour * 1000) as Hour,
    sealed,
  }));
};

/**
 * Reads the coverage as of now. Checkpoints are read first: what they say is closed stays closed, while a
 * source that is declared between the two reads must not be missed.
 */
export const readCoverage = async (client: ClickHouseClient): Promise<Coverage> => {
  const progress = await readProgress(client);
  return coverageOf(await readSources(client), progress);
};
