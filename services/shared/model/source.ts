import { isoText, type Hour } from './time.ts';

/** One epoch of one topic. A re-created topic is another epoch, with offsets of its own. */
export interface SourceId {
  readonly topic: string;
  readonly epoch: number;
}

export interface SourcePartition extends SourceId {
  readonly partition: number;
}

/**
 * - `declared`: in the register, its topic is not ready yet
 * - `open`: records may be written
 * - `written`: every record of a history run is acknowledged, `end` records may be missing
 * - `sealed`: ended for good
 * - `abandoned`: a history run that was abandoned; another run may cover its hours
 */
export type SourceState = 'declared' | 'open' | 'written' | 'sealed' | 'abandoned';

/** A live topic bills usage of a namespace from a reported hour on, until another one takes the namespace up. */
export interface TakenUp {
  readonly namespace: string;
  readonly from: Hour;
}

/** A row of the register of sources (docs/design.md, "Sources"). It is written before the topic is created. */
export interface Source extends SourceId {
  readonly kind: 'live' | 'history';
  readonly partitions: number;
  /** Reported time is never before the start of this hour. */
  readonly firstHour: Hour;
  /** The last hour of a history run, inclusive; null for live sources. */
  readonly lastHour: Hour | null;
  /** The length of an hour in milliseconds: 3,600,000 except in tests. */
  readonly hourMillis: number;
  /** The previous epoch; null for a topic's first epoch. */
  readonly predecessor: number | null;
  readonly state: SourceState;
  /** Whether the bridge may send its usage to Commerce. */
  readonly billable: boolean;
  /** Lower-case resource namespaces that it serves; `['*']` for history, which serves all. */
  readonly namespaces: readonly string[];
  /** Empty while its namespaces have not changed (`takenUpBy`). */
  readonly takenUp?: readonly TakenUp[];
  /** The origin of its usage, for people and to detect repeated imports: a file's digest, or `live`. */
  readonly origin: string;
}

export const sourceName = (source: SourceId): string => `${source.topic}/${String(source.epoch)}`;

export const partitionName = (at: SourcePartition): string =>
  `${sourceName(at)}[${String(at.partition)}]`;

/**
 * Which namespaces a source has taken up, and from which reported hours on it bills them. A topic's first epoch takes up
 * those with which it begins. Later epochs go on with them, and note only what is taken up anew.
 */
export const takenUpBy = ({ takenUp = [], ...source }: Source): readonly TakenUp[] =>
  takenUp.length > 0 || source.predecessor !== null
    ? takenUp
    : source.namespaces.map((namespace) => ({ namespace, from: source.firstHour }));

/** The hours that a source covers, for messages: `2019-12-10T19:00:00Z to 2019-12-10T20:00:00Z`. */
export const coveredHours = (source: Source): string =>
  source.lastHour === null
    ? `from ${isoText(source.firstHour)} on`
    : `${isoText(source.firstHour)} to ${isoText((source.lastHour + source.hourMillis) as Hour)}`;

/** The current epoch of a topic: the highest one in the register. */
export const newestEpoch = <T extends SourceId>(
  sources: readonly T[],
  topic: string,
): T | undefined =>
  sources
    .filter((source) => source.topic === topic)
    .reduce<T | undefined>((a, b) => (a && a.epoch > b.epoch ? a : b), undefined);

/** Whether providers write to it now. */
export const isOpenLive = ({ kind, state }: Pick<Source, 'kind' | 'state'>): boolean =>
  kind === 'live' && state === 'open';

/** Whether it takes usage of a namespace now. */
const servesNow = (source: Source, namespace: string): boolean =>
  isOpenLive(source) && (source.namespaces.includes('*') || source.namespaces.includes(namespace));

/** The source that takes usage of this namespace now, in its newest epoch; null if none does. */
export const sourceFor = (sources: readonly Source[], namespace: string | null): Source | null =>
  namespace === null
    ? null
    : sources
        .filter((source) => servesNow(source, namespace))
        .reduce<Source | null>((a, b) => (a && a.epoch > b.epoch ? a : b), null);
