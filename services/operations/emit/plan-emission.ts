import { eventsOfUsage } from '../../provider-sdk/events-of-usage.ts';
import { namespaceOf, partitionOfKey, resourceKey } from '../../shared/model/placement.ts';
import { quantityToBytes } from '../../shared/model/decimal.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';
import { DEFAULT_MAX_USAGE_AGE_MILLIS } from '../../shared/model/rules.ts';
import { isOpenLive, partitionName, sourceFor, type Source } from '../../shared/model/source.ts';
import { DAY_MILLIS, HOUR_MILLIS, isoText, type Millis } from '../../shared/model/time.ts';
import { uuidText, type UsageEvent } from '../../shared/model/usage-event.ts';
import { contentDigest } from '../../shared/usage-fold/content-digest.ts';
import type { EmitWorld } from './emit-world.ts';
import type { EmitProblem, GivenUsage } from './given-usage.ts';

/** An event that can be sent, and where to. */
export interface PlannedEvent {
  readonly line: number | null;
  readonly id: string;
  readonly event: UsageEvent;
  readonly source: Source;
  readonly partition: number;
  readonly key: string;
  readonly digest: bigint;
}

export interface EmissionPlan {
  readonly events: readonly PlannedEvent[];
  /** Pairs of lines that say the same: the later one, and the one before it. */
  readonly repeated: readonly (readonly [line: number | null, before: number | null])[];
}

/** More are no work by hand: a provider sends them with the SDK. */
const MOST_EVENTS = 200_000;

/** The events of all usage, or all that is wrong with any of it. */
export const planEmission = (
  given: readonly GivenUsage[],
  world: EmitWorld,
): Result<EmissionPlan, readonly EmitProblem[]> => {
  const problems: EmitProblem[] = [];
  const events: PlannedEvent[] = [];
  for (const one of given) {
    const planned = planOne(one, world);
    if (planned.ok) events.push(...planned.value);
    else problems.push(...planned.error);
    if (events.length > MOST_EVENTS) return fail([...problems, tooMany(one.line)]);
  }
  const { distinct, repeated, conflicts } = compared(events);
  // There may be more of them than a call takes arguments.
  const all = [...problems, ...conflicts];
  return all.length > 0 ? fail(all) : succeed({ events: distinct, repeated });
};

const tooMany = (line: number | null): EmitProblem => ({
  line,
  field: null,
  problem: `makes more than ${MOST_EVENTS.toLocaleString('en')} events together with those before: send them in several files, or with the SDK`,
});

const planOne = (
  { line, usage }: GivenUsage,
  { sources, floors, now }: EmitWorld,
): Result<readonly PlannedEvent[], readonly EmitProblem[]> => {
  const uri: unknown = usage.resourceUri;
  const namespace = typeof uri === 'string' ? namespaceOf(uri) : null;
  const source = sourceFor(sources, namespace);
  const events = eventsOfUsage(usage, source?.hourMillis ?? HOUR_MILLIS);
  const problems: EmitProblem[] = events.ok
    ? []
    : events.error.map(({ field, problem }) => ({ line, field, problem }));
  if (source === null && typeof uri === 'string' && uri !== '') {
    problems.push({ line, field: 'resourceUri', problem: noTopic(namespace, sources) });
  }
  if (!events.ok || source === null) return fail(problems);
  const planned = events.value.map((event): PlannedEvent => {
    const key = resourceKey(event.resourceUri);
    const partition = partitionOfKey(key, source.partitions);
    const digest = contentDigest({ ...event, quantity: quantityToBytes(event.quantity) });
    return { line, id: uuidText(event.eventId), event, source, partition, key, digest };
  });
  const late = timeProblem(planned, floors, now);
  return late === null ? succeed(planned) : fail([{ line, ...late }]);
};

const noTopic = (namespace: string | null, sources: readonly Source[]): string => {
  if (namespace === null) {
    return 'names no provider: write it in full, such as /subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.Compute/virtualMachines/NAME';
  }
  const served = sources.filter(isOpenLive).flatMap(({ namespaces }) => namespaces);
  return served.length === 0
    ? 'has no topic to go to: there is no open live topic. Run "usagectl provision"'
    : `is of ${namespace}, which no open live topic serves: they serve ${served.join(', ')}. ` +
        'Add it to a provider in deploy/kafka/providers.json, then run "usagectl provision"';
};

/** Why the aggregator would refuse it now for its time; null if it would not. */
const timeProblem = (
  planned: readonly PlannedEvent[],
  floors: ReadonlyMap<string, Millis>,
  now: Millis,
): Omit<EmitProblem, 'line'> | null => {
  const [first] = planned;
  const last = planned.at(-1);
  if (!first || !last) return null;
  const { usageStartTime: start } = first.event;
  if (start > now) {
    return {
      field: 'from',
      problem: `is in the future: by the clock of this machine it is ${isoText(now)}`,
    };
  }
  if (last.event.usageStartTime > now) {
    return {
      field: 'to',
      problem: `is in an hour that has not begun: by the clock of this machine it is ${isoText(now)}`,
    };
  }
  if (start < now - DEFAULT_MAX_USAGE_AGE_MILLIS) {
    const days = String(DEFAULT_MAX_USAGE_AGE_MILLIS / DAY_MILLIS);
    return { field: 'from', problem: `is over ${days} days ago: usage that old is not counted` };
  }
  const floor = floors.get(partitionName({ ...first.source, partition: first.partition }));
  return floor === undefined || start >= floor
    ? null
    : {
        field: 'from',
        problem: `is before ${isoText(floor)}, up to where the ledger is trimmed: it is not counted`,
      };
};

/** Finds events with the same id. The same content counts once; other content would be a conflict. */
const compared = (events: readonly PlannedEvent[]) => {
  const seen = new Map<string, PlannedEvent>();
  const repeated: (readonly [number | null, number | null])[] = [];
  const conflicts: EmitProblem[] = [];
  for (const each of events) {
    const before = seen.get(each.id);
    if (before === undefined) seen.set(each.id, each);
    else if (before.digest === each.digest) repeated.push([each.line, before.line]);
    else conflicts.push({ line: each.line, field: null, problem: conflictWithLine(before) });
  }
  return { distinct: [...seen.values()], repeated, conflicts };
};

const conflictWithLine = ({ line, event }: PlannedEvent): string =>
  `is of the same subscription, meter, resource and time as line ${String(line)} (the hour of ${isoText(event.usageStartTime)}), ` +
  'but says something else. Add the two up, or give one of them a "discriminator"';
