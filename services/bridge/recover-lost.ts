import type { LogHalt } from '../shared/kafka/log-recognition.ts';
import { partitionOfKey } from '../shared/model/placement.ts';
import { fail, succeed, type Result } from '../shared/model/result.ts';
import {
  partitionName,
  sourceName,
  type Source,
  type SourcePartition,
} from '../shared/model/source.ts';
import { isoText, nextHour, type Hour } from '../shared/model/time.ts';
import { aggregateKey } from '../shared/model/usage-aggregate.ts';
import type { UsageCarry } from '../shared/model/usage-carry.ts';
import type { Place } from '../shared/usage-fold/place.ts';
import type { HourToPublish } from '../shared/usage-store/hour-publisher.ts';
import type { ComposedBefore } from './fold/source-progress.ts';
import type { Outbox } from './ports.ts';

/** How far a source partition is counted, by its aggregator. */
export interface ClosedSource extends SourcePartition {
  /** Every hour before it is closed, stored and published. */
  readonly openHour: Hour;
  /** Closed hours whose windows were restated since they were published. */
  readonly restated: ReadonlySet<Hour>;
}

/** What the usage tables hold of lost hours. */
export interface LostHours {
  closed(): Promise<readonly ClosedSource[]>;
  windowsInOrder: (place: Place, hour: Hour) => ReturnType<HourToPublish['windows']>;
  /**
   * Carries, wherever they were last moved, that are in no composition although their submissions are
   * recorded as carried.
   */
  waitingCarries(): Promise<readonly UsageCarry[]>;
}

export interface RecoveryPorts {
  readonly sources: ReadonlyMap<string, Source>;
  readonly composed: ReadonlyMap<string, ComposedBefore>;
  readonly usage: LostHours;
  readonly publish: (place: Place, hours: readonly HourToPublish[]) => Promise<void>;
  readonly outbox: Pick<Outbox, 'appendMoved'>;
}

/** What was published again. */
export interface Recovered {
  readonly hours: number;
  readonly carries: number;
}

/**
 * The retention of the aggregates topic has overtaken the bridge: records expired unread. What they said
 * follows from the usage tables, so it is published again, at the end of the same log: closed hours with the
 * same aggregates, ids and digests, by the aggregator's own code, and carries that no composition has. From
 * there they are read as always. Doing it twice does no harm.
 *
 * Nothing is published that cannot be proven: an hour whose windows were restated after it was published is
 * not what it was. Then nothing is published at all, and the reason is returned.
 */
export const recoverLost = async (
  partition: number,
  partitions: number,
  { sources, composed, usage, publish, outbox }: RecoveryPorts,
): Promise<Result<Recovered, LogHalt>> => {
  const isHere = (at: SourcePartition): boolean =>
    partitionOfKey(aggregateKey(at), partitions) === partition;
  const lost: { readonly place: Place; readonly hours: readonly Hour[] }[] = [];
  for (const { openHour, restated, ...at } of (await usage.closed()).filter(isHere)) {
    const source = sources.get(sourceName(at));
    if (!source || source.state === 'abandoned') continue;
    const before = composed.get(partitionName(at))?.composedThrough ?? source.firstHour;
    const hours = hoursBetween(before, openHour, source.hourMillis);
    const unproven = hours.find((hour) => restated.has(hour));
    if (unproven !== undefined) return fail(cannotProve(at, unproven));
    if (hours.length > 0) lost.push({ place: { ...at, source }, hours });
  }
  for (const { place, hours } of lost) {
    const whole = hours.map((hour) => {
      return { hour, windows: () => usage.windowsInOrder(place, hour) };
    });
    await publish(place, whole);
    // Parts that another version wrote may be left from before: then its marker perhaps fits only what stands behind an
    // earlier marker of it (`OpenHour`).
    await publish(place, whole);
  }
  const carries = (await usage.waitingCarries()).filter(isHere);
  await outbox.appendMoved(carries);
  return succeed({
    hours: lost.reduce((sum, { hours }) => sum + hours.length, 0),
    carries: carries.length,
  });
};

const hoursBetween = (from: Hour, end: Hour, hourMillis: number): readonly Hour[] => {
  const hours: Hour[] = [];
  for (let hour = from; hour < end; hour = nextHour(hour, hourMillis)) hours.push(hour);
  return hours;
};

const cannotProve = (at: SourcePartition, hour: Hour): LogHalt => ({
  code: 'lost-records',
  message:
    `aggregates expired before they were billed, and those of the reported hour ${isoText(hour)} of ${partitionName(at)} cannot be ` +
    'derived again: its windows were restated since ("usagectl history"), so they are not what was published; ' +
    'see docs/billing.md, "Aggregates that expired unread"',
});
