import { createHash } from 'node:crypto';
import { parseQuantity, type Quantity } from '../../../services/shared/model/decimal.ts';
import type { Source, SourcePartition } from '../../../services/shared/model/source.ts';
import { isoText, type Millis } from '../../../services/shared/model/time.ts';
import type { UsageAggregate } from '../../../services/shared/model/usage-aggregate.ts';
import type { BillingTerms } from '../../../services/shared/billing/billing-terms.ts';
import type { Entry } from './bridge-log.ts';

/** Exact quantities by name. */
export type Amounts = Map<string, bigint>;

export const addTo = (amounts: Amounts, name: string, amount: bigint): void => {
  if (amount !== 0n) amounts.set(name, (amounts.get(name) ?? 0n) + amount);
};

/** A line of an hour: what is submitted of one resource under one name. */
export interface ExpectedLine {
  readonly resource: string;
  dimension: string;
  quantity: bigint;
  readonly months: Amounts;
  readonly carries: Set<string>;
  aggregates: number;
  /** Some meter in it is not in the catalog. */
  isUnknown: boolean;
  /** Another source bills the resource in this hour. */
  readonly isElsewhere: boolean;
}

export interface ExpectedHour {
  readonly hour: number;
  readonly markerOffset: number;
  readonly lines: ReadonlyMap<string, ExpectedLine>;
  readonly carries: ReadonlySet<string>;
  readonly terms: BillingTerms;
  /** What was used in it and is to be billed or held, by resource and month. */
  readonly used: Amounts;
}

/** What a bridge has written to move a carry on. */
export interface WrittenMove extends SourcePartition {
  readonly submissionId: string;
  readonly moves: number;
  readonly to: SourcePartition;
}

/** A carry as its record says it. */
export interface WrittenCarry {
  readonly topic: string;
  readonly epoch: number;
  readonly partition: number;
  readonly submissionId: string;
  readonly moves: number;
  readonly from: SourcePartition & { readonly hour: number };
  readonly reason: string;
  readonly resourceUri: string;
  readonly dimension: string;
  readonly meters: readonly string[];
  readonly quantity: string;
  readonly months: Readonly<Record<string, string>>;
}

interface Seen {
  readonly aggregates: readonly UsageAggregate[];
  readonly bytes: Buffer;
}

/** An hour, with its parts by their numbers. */
interface Open {
  readonly first: Map<number, Seen>;
  readonly latest: Map<number, Seen>;
  /** What came after the last marker that did not fit. */
  since: Open['first'] | null;
  /** What is in the parts that fit the marker. */
  aggregates: readonly UsageAggregate[];
  marker: number | null;
}

/** A carry at one of the places where it was. */
export const atStop = (submissionId: string, moves: number): string =>
  `${submissionId}#${String(moves)}`;

export const exact = (text: string): bigint => parseQuantity(text) ?? -1n;

const monthOf = (instant: number): string => isoText(instant as Millis).slice(0, 7);

/**
 * What one source partition must come to, by its log alone. It shares no code with the bridge, keeps
 * everything, and knows nothing of owners, restarts or checkpoints.
 */
export class ExpectedSource {
  readonly at: SourcePartition;
  hours: readonly ExpectedHour[] = [];
  /** Carries that no hour has taken yet, in the order of the log. */
  readonly waiting = new Map<string, WrittenCarry>();
  /** Submissions whose carries counted. */
  readonly carried = new Set<string>();
  /** Submissions whose carries are in compositions. */
  readonly taken = new Set<string>();
  /** Carries that have been here, by `atStop`. */
  readonly stops = new Set<string>();
  /** Carries that left for another source partition, by `atStop`. */
  readonly moved = new Map<string, WrittenMove>();
  readonly source: Source;
  private readonly termsAt: (hour: number) => BillingTerms;
  private readonly bills: (hour: number) => boolean;
  private readonly open = new Map<number, Open>();
  /** The next hour to compose. */
  next: number;

  constructor(
    at: SourcePartition,
    source: Source,
    termsAt: (hour: number) => BillingTerms,
    bills: (hour: number) => boolean,
  ) {
    this.bills = bills;
    this.at = at;
    this.source = source;
    this.termsAt = termsAt;
    this.next = source.firstHour;
  }

  take({ record, meant }: Entry): void {
    if (meant.kind === 'part') {
      if (meant.hour < this.next || this.openOf(meant.hour).marker !== null) return;
      const { first, latest, since } = this.openOf(meant.hour);
      const { part, aggregates } = meant;
      const seen = { aggregates, bytes: record.value ?? Buffer.alloc(0) };
      if (!first.has(part)) first.set(part, seen);
      latest.set(part, seen);
      if (since?.has(part) === false) since.set(part, seen);
    }
    if (meant.kind === 'marker') {
      if (meant.hour < this.next) return;
      const open = this.openOf(meant.hour);
      if (open.marker !== null) return;
      const fitting = [open.first, open.latest, open.since ?? open.latest]
        .map((seen) => firstOf(seen, meant.parts))
        .find((parts) => parts.length === meant.parts && digestOf(parts) === meant.digest);
      if (!fitting || (meant.parts === 0 && open.first.size > 0)) {
        open.since = new Map();
        return;
      }
      open.aggregates = fitting.flatMap(({ aggregates }) => aggregates);
      open.marker = record.offset;
      this.compose();
    }
  }

  /** Returns whether the carry counts: the first one does, and one that comes back. */
  takeCarry(carry: WrittenCarry): boolean {
    const { submissionId, moves } = carry;
    const stop = atStop(submissionId, moves);
    if (this.taken.has(submissionId) || this.waiting.has(submissionId) || this.moved.has(stop)) {
      return false;
    }
    this.carried.add(submissionId);
    this.stops.add(stop);
    this.waiting.set(submissionId, carry);
    return true;
  }

  /** Returns whether the move counts: the first one of a carry that waits does. */
  takeMove(move: WrittenMove): boolean {
    const { submissionId, moves } = move;
    if (this.waiting.get(submissionId)?.moves !== moves) return false;
    this.waiting.delete(submissionId);
    this.moved.set(atStop(submissionId, moves), move);
    return true;
  }

  /**
   * The log has lost records: what is known from here on is what was composed, and which carries have left, as noted.
   * The rest is what is still in the log.
   */
  lost(composed: ReadonlySet<number>, left: readonly WrittenMove[]): void {
    this.hours = this.hours.filter(({ hour }) => composed.has(hour));
    this.next = this.source.firstHour + this.hours.length * this.source.hourMillis;
    for (const each of [this.open, this.waiting, this.moved]) each.clear();
    for (const each of [this.carried, this.taken, this.stops]) each.clear();
    for (const { carries } of this.hours) for (const id of carries) this.taken.add(id);
    for (const move of left) this.moved.set(atStop(move.submissionId, move.moves), move);
    for (const id of this.taken) this.carried.add(id);
    for (const { submissionId } of left) this.carried.add(submissionId);
  }

  private openOf(hour: number): Open {
    const open = this.open.get(hour) ?? {
      first: new Map(),
      latest: new Map(),
      since: null,
      aggregates: [],
      marker: null,
    };
    this.open.set(hour, open);
    return open;
  }

  private compose(): void {
    const { lastHour, hourMillis } = this.source;
    for (;;) {
      if (lastHour !== null && this.next <= lastHour && this.openOf(lastHour).marker === null)
        return;
      const open = this.open.get(this.next);
      if (open?.marker == null) return;
      this.open.delete(this.next);
      this.hours = [...this.hours, this.composed(this.next, open, open.marker)];
      for (const id of this.waiting.keys()) this.taken.add(id);
      this.waiting.clear();
      this.next += hourMillis;
    }
  }

  private composed(hour: number, open: Open, markerOffset: number): ExpectedHour {
    const terms = this.termsAt(hour);
    const lines = new Map<string, ExpectedLine>();
    const used: Amounts = new Map();
    const isElsewhere = !this.bills(hour);
    const lineOf = (resource: string, dimension: string, isUnknown: boolean): ExpectedLine => {
      const key = `${resource.toLowerCase()}\0${dimension.toLowerCase()}`;
      const line = lines.get(key) ?? {
        resource: resource.toLowerCase(),
        dimension: dimension.toLowerCase(),
        quantity: 0n,
        months: new Map<string, bigint>(),
        carries: new Set<string>(),
        aggregates: 0,
        isUnknown,
        isElsewhere,
      };
      lines.set(key, line);
      line.isUnknown &&= isUnknown;
      return line;
    };
    for (const aggregate of open.aggregates) {
      const place = placeOf(aggregate.meterId, terms);
      if (place === null || !this.source.billable) continue;
      const line = lineOf(aggregate.resourceUri, place.dimension, place.isUnknown);
      line.quantity += aggregate.quantity;
      line.aggregates++;
      for (const [month, part] of monthsOf(aggregate)) {
        addTo(line.months, month, part);
        addTo(used, `${line.resource} ${month}`, part);
      }
    }
    for (const carry of this.waiting.values()) {
      const places = carry.meters.map((meter) => placeOf(meter, terms));
      const named = new Set(places.map((place) => place?.dimension.toLowerCase()));
      const [one] = places;
      const isKnown = named.size === 1 && one && !one.isUnknown;
      const line = isKnown
        ? lineOf(carry.resourceUri, one.dimension, false)
        : lineOf(
            carry.resourceUri,
            carry.dimension,
            places.some((place) => place?.isUnknown),
          );
      line.quantity += exact(carry.quantity);
      line.carries.add(carry.submissionId);
      for (const [month, part] of Object.entries(carry.months)) {
        addTo(line.months, month, exact(part));
      }
    }
    return { hour, markerOffset, lines, carries: new Set(this.waiting.keys()), terms, used };
  }
}

/** The parts from 0 on, as far as there are any, and at most so many. */
const firstOf = (seen: ReadonlyMap<number, Seen>, count: number): readonly Seen[] => {
  const parts: Seen[] = [];
  for (let next = seen.get(0); next && parts.length < count; next = seen.get(parts.length)) {
    parts.push(next);
  }
  return parts;
};

const digestOf = (parts: readonly Seen[]): string =>
  parts.reduce((hash, { bytes }) => hash.update(bytes), createHash('sha256')).digest('hex');

const monthsOf = (aggregate: UsageAggregate): readonly (readonly [string, Quantity])[] =>
  aggregate.usageMonths.length > 0
    ? aggregate.usageMonths.map(({ month, quantity }) => [month, quantity])
    : [[monthOf(aggregate.firstUsageTime), aggregate.quantity]];

/** Null where the meter is never billed. */
const placeOf = (
  meterId: string,
  terms: BillingTerms,
): { readonly dimension: string; readonly isUnknown: boolean } | null => {
  const is = (each: { readonly meterId: string }): boolean =>
    each.meterId.toLowerCase() === meterId.toLowerCase();
  const billed = terms.billedMeters.find(is);
  if (billed) return { dimension: billed.dimension, isUnknown: false };
  return terms.otherMeters.some(is) ? null : { dimension: meterId, isUnknown: true };
};
