import { namespaceOf, partitionOfKey, resourceKey } from '../model/placement.ts';
import {
  isOpenLive,
  newestEpoch,
  sourceName,
  type Source,
  type SourcePartition,
} from '../model/source.ts';
import { ownerOf } from './owner.ts';

/** Where the quantity of a resource can go, when Commerce will not take it for its own hour. */
export type CarryTarget =
  /** Into a later hour of its own source partition. */
  | { readonly kind: 'here' }
  /** Another source bills the resource from now on. */
  | { readonly kind: 'elsewhere'; readonly to: SourcePartition }
  | { readonly kind: 'nowhere'; readonly why: string };

/**
 * Where a quantity goes by the register as read. A carry is always in the log of its own source partition
 * first. Where that will not compose it, a `moved` record there says where it goes.
 */
export const carryTarget = (
  sources: ReadonlyMap<string, Source>,
  at: SourcePartition,
  resourceUri: string,
): CarryTarget => {
  const own = sources.get(sourceName(at));
  if (!own) return { kind: 'nowhere', why: 'Its source is not in the register.' };
  if (own.kind === 'history') {
    return { kind: 'nowhere', why: 'History is not carried into another hour.' };
  }
  const topic = ownerOf(sources.values(), namespaceOf(resourceUri) ?? '', Infinity) ?? own.topic;
  const owner = newestEpoch([...sources.values()], topic);
  // While the one that bills it from now on takes nothing, it waits in its own source partition.
  if (!owner || sourceName(owner) === sourceName(own) || !isOpenLive(owner))
    return { kind: 'here' };
  const { epoch, partitions } = owner;
  const partition = partitionOfKey(resourceKey(resourceUri), partitions);
  return { kind: 'elsewhere', to: { topic, epoch, partition } };
};

/** Where the carry of a resource must be moved; null if it can stay. */
export const movesTo = (
  sources: ReadonlyMap<string, Source>,
  at: SourcePartition,
  resourceUri: string,
): SourcePartition | null => {
  const target = carryTarget(sources, at, resourceUri);
  return target.kind === 'elsewhere' ? target.to : null;
};

/** The sources that have or had a log, by `sourceName`. */
export const withLog = (sources: readonly Source[]): ReadonlyMap<string, Source> =>
  new Map(
    sources
      .filter(({ state }) => state !== 'declared')
      .map((source) => [sourceName(source), source]),
  );
