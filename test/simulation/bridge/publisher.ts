import type { Quantity } from '../../../services/shared/model/decimal.ts';
import { partitionOfKey, resourceKey } from '../../../services/shared/model/placement.ts';
import type { Source, SourcePartition } from '../../../services/shared/model/source.ts';
import { nextHour, type Hour } from '../../../services/shared/model/time.ts';
import type { UsageAggregate } from '../../../services/shared/model/usage-aggregate.ts';
import { uuidText } from '../../../services/shared/model/usage-event.ts';
import { usageMonthOf } from '../../../services/shared/model/usage-months.ts';
import {
  aggregateOf,
  aggregateRecord,
  BILLABLE,
  inPartsOf,
  markerOf,
  markerRecord,
  NOT_BILLABLE,
  keyring,
  ONE,
  partRecord,
  stranger,
  UNKNOWN,
  uriOf,
  type PlacedAggregate,
  type Unplaced,
} from '../../support/bridge/aggregates-log.ts';
import type { Random } from '../../support/workload/random.ts';
import type { BridgeLog, Meant } from './bridge-log.ts';
import { GONE, POISON } from './simulated-commerce.ts';

/** Two local meters that Commerce bills under one name. */
export const SHARED_METERS = [
  '11111111-0000-4000-8000-000000000001',
  '11111111-0000-4000-8000-000000000002',
] as const;

export interface PublishedHour {
  readonly hour: Hour;
  readonly aggregates: readonly PlacedAggregate[];
  /** The most aggregates in a part of it. */
  readonly each: number;
}

/**
 * The aggregator's side of one source partition: it publishes hours that are over, one after another. It may
 * die in between and begin again, and an earlier owner's records may come late.
 */
export class Publisher {
  readonly at: SourcePartition;
  readonly source: Source;
  readonly log: BridgeLog;
  readonly hours: PublishedHour[] = [];
  next: Hour;
  /** It has usage of these hours, and closes others without. */
  private servesFrom: number;
  servesUntil = Infinity;
  private readonly random: Random;
  private late: (() => void)[] = [];
  private isSealed = false;
  private readonly resources: readonly string[];

  /** How much of its usage is of resources that Commerce refuses. */
  private readonly refused: number;

  constructor(
    at: SourcePartition,
    source: Source,
    log: BridgeLog,
    random: Random,
    refused: number,
  ) {
    this.refused = refused;
    this.at = at;
    this.source = source;
    this.log = log;
    this.next = source.firstHour;
    this.servesFrom = source.firstHour;
    this.random = random;
    this.resources = resourcesOf(source, at.partition);
  }

  /** Its epoch ends: no later hour is opened. */
  seal(): void {
    this.isSealed = true;
  }

  /** Its provider comes to it, from an hour on. */
  serveFrom(hour: number): void {
    this.servesFrom = hour;
    this.servesUntil = Infinity;
  }

  /** Whether an hour is over that is not published; of a source that has an end, none after that. */
  isDue(now: number): boolean {
    const { lastHour, hourMillis } = this.source;
    if (this.isSealed) return false;
    if (lastHour !== null && this.next > lastHour) return false;
    return this.next + hourMillis <= now;
  }

  /** Publishes the next hour, in whatever way. */
  publishNext(): void {
    const { random } = this;
    const isServing = this.next >= this.servesFrom && this.next < this.servesUntil;
    const hour = {
      hour: this.next,
      aggregates: isServing ? this.content(this.next) : [],
      each: 1 + random.below(3),
    };
    const later = isServing && this.hours.length > 0 && random.chance(0.1);
    this.hours.push(hour);
    this.next = nextHour(this.next, this.source.hourMillis);
    if (random.chance(0.2)) this.publishSome(hour, random.chance(0.3));
    if (random.chance(0.1)) this.append(markedBy(this.at, hour));
    if (random.chance(0.1)) this.forge(hour);
    // Its owner has died, and the next one takes a while; the hour after it may be first.
    if (later) this.late.push(() => this.publishAll(hour));
    else this.publishAll(hour);
  }

  get hasLate(): boolean {
    return this.late.length > 0;
  }

  publishLate(): void {
    this.late.shift()?.();
  }

  /** An earlier owner, or one that has read an older checkpoint, publishes an hour again. */
  publishAgain(): void {
    const { random, hours } = this;
    if (hours.length === 0) return;
    const hour = random.pick(hours);
    if (random.chance(0.5)) this.publishAll(hour);
    else if (random.chance(0.5)) this.append(markedBy(this.at, hour));
    else this.publishSome(hour, random.chance(0.3));
  }

  /** Publishes what the usage tables have of an hour, whole. */
  publishWhole(hour: Hour): void {
    const found = this.hours.find((each) => each.hour === hour);
    if (!found) throw new Error(`the hour ${String(hour)} is not closed`);
    this.publishAll(found);
  }

  private publishAll(hour: PublishedHour): void {
    for (const part of partsOf(this.at, hour, false)) this.append(part);
    this.append(markedBy(this.at, hour));
  }

  /** The first so many; by a version with another schema, the bytes differ. */
  private publishSome(hour: PublishedHour, otherBytes: boolean): void {
    for (const part of partsOf(this.at, hour, otherBytes).slice(0, this.random.below(3))) {
      this.append(part);
    }
  }

  /** Somebody without the key, or with something unreadable. */
  private forge(hour: PublishedHour): void {
    const { random } = this;
    const usage = { ...aggregateOf(this.at, hour.hour, uriOf('forged')) };
    const record = aggregateRecord(usage, stranger);
    const bad = random.pick<Unplaced>([
      record,
      { ...record, value: Buffer.from('nothing of ours') },
      { ...aggregateRecord(usage), key: Buffer.from('usage.events.compute/9[0]') },
    ]);
    this.log.append(bad, { kind: 'bad' });
  }

  private append([record, meant]: readonly [Unplaced, Meant]): void {
    this.log.append(record, meant);
  }

  private content(hour: Hour): readonly PlacedAggregate[] {
    const { random, at } = this;
    const aggregates = new Map<string, PlacedAggregate>();
    for (let n = random.below(5); n > 0; n--) {
      const resource = uriOf(this.resource());
      const meterId = random.pick([BILLABLE, BILLABLE, ...SHARED_METERS, UNKNOWN, NOT_BILLABLE]);
      const quantity = this.quantity();
      const made = aggregateOf(at, hour, resource, {
        meterId,
        quantity,
        ...this.usedWhen(hour, quantity),
      });
      aggregates.set(uuidText(made.aggregateId), made);
    }
    return [...aggregates.values()];
  }

  private resource(): string {
    const { random, resources } = this;
    const [gone, poison] = [random.chance(this.refused), random.chance(0.04)];
    const end = gone ? GONE : poison ? POISON : null;
    return random.pick(
      resources.filter((name) =>
        end === null ? !name.endsWith(GONE) && !name.endsWith(POISON) : name.endsWith(end),
      ),
    );
  }

  /** Many have more digits than a double can hold. */
  private quantity(): Quantity {
    const { random } = this;
    if (random.chance(0.05)) return 0n as Quantity;
    if (random.chance(0.3)) return (ONE * BigInt(1 + random.below(9))) as Quantity;
    const digits = BigInt(`0x1${random.bytes(11).toString('hex')}`);
    return (ONE * BigInt(random.below(3000)) + digits) as Quantity;
  }

  /** Late usage is of the month before, or of both. */
  private usedWhen(hour: Hour, quantity: Quantity): Partial<UsageAggregate> {
    const { random } = this;
    if (!random.chance(0.3)) return {};
    const before = (hour - 40 * 24 * 3_600_000) as Hour;
    const months = [usageMonthOf(before), usageMonthOf(hour)];
    const part = (quantity / 3n) as Quantity;
    if (part === 0n || random.chance(0.3)) return { firstUsageTime: before };
    return {
      firstUsageTime: before,
      usageMonths: [
        { month: months[0] ?? '', quantity: part },
        { month: months[1] ?? '', quantity: (quantity - part) as Quantity },
      ],
    };
  }
}

/** Each resource has one partition in an epoch: three, and one of each kind that Commerce refuses. */
const resourcesOf = ({ kind, partitions }: Source, partition: number): readonly string[] => {
  const isHere = (name: string): boolean =>
    partitionOfKey(resourceKey(uriOf(name)), partitions) === partition;
  const some = (count: number, end: string): readonly string[] => {
    const found: string[] = [];
    for (let n = 0; found.length < count; n++) {
      const name = `${kind}-${String(n)}${end}`;
      if (isHere(name)) found.push(name);
    }
    return found;
  };
  return [...some(3, ''), ...some(1, GONE), ...some(1, POISON)];
};

/** By a version with another schema the bytes differ, and it cuts an hour elsewhere. */
const partsOf = (
  at: SourcePartition,
  { hour, aggregates, each }: PublishedHour,
  otherBytes: boolean,
): readonly (readonly [Unplaced, Meant])[] =>
  inPartsOf(otherBytes ? (each % 3) + 1 : each, aggregates).map((some, part) => {
    const written = otherBytes
      ? some.map((one) => ({ ...one, additionalInfo: '{"written":"otherwise"}' }))
      : some;
    return [partRecord(written, part), { kind: 'part', at, hour, part, aggregates: some }];
  });

const markedBy = (
  at: SourcePartition,
  { hour, aggregates, each }: PublishedHour,
): readonly [Unplaced, Meant] => {
  const { parts, digest } = markerOf(at, hour, aggregates, each);
  return [
    markerRecord(at, hour, aggregates, keyring, each),
    { kind: 'marker', at, hour, parts, digest },
  ];
};
