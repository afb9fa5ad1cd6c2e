import {
  meterTerms,
  type BillingTerms,
  type MeterTerms,
  type Reporting,
  type UnbilledMeter,
} from '../../shared/billing/billing-terms.ts';
import { addQuantities, ZERO, type Quantity } from '../../shared/model/decimal.ts';
import { asciiLower, namespaceOf, resourceKey } from '../../shared/model/placement.ts';
import { partitionName, type SourcePartition } from '../../shared/model/source.ts';
import { isoText, type Hour } from '../../shared/model/time.ts';
import { uuidOf, uuidText } from '../../shared/model/usage-event.ts';
import { sumOfMonths, type UsageMonth, type UsageMonths } from '../../shared/model/usage-months.ts';
import type { UsageCarry } from '../../shared/model/usage-carry.ts';
import type { DueHour } from './bridge-fold.ts';
import type { HourUsage } from './open-hour.ts';

/**
 * What is done with a submission. It is decided when the submission is composed, and never again:
 * - `send`: it goes to Commerce
 * - `zero`: Commerce accepts no zero
 * - `not-reported`: the stamp is not registered, or does not report; usage is only collected
 * - `credit`: adjustments have taken back more than was used, and Commerce accepts nothing below zero
 * - `held`: the catalog does not know the meter yet, or another source bills the resource in this hour
 */
export type Decision = 'send' | 'zero' | 'not-reported' | 'credit' | 'held';

/** Why a submission is not sent; empty if it is. */
export type NotSent =
  | ''
  | 'zero-quantity'
  | 'below-zero'
  | 'unknown-meter'
  | 'served-elsewhere'
  | Exclude<Reporting, 'on'>;

/** Why an aggregate is in no submission. */
export type UnbilledReason = 'source-not-billable' | 'infrastructure' | UnbilledMeter;

/** One resource's consumption of one dimension in one reported hour, as it is reported to Commerce. */
export interface Submission {
  /** UUIDv5 over source partition, hour, resource and dimension. */
  readonly submissionId: string;
  /** These three as first written. */
  readonly resourceUri: string;
  readonly subscriptionId: string;
  readonly location: string;
  /** The name under which Commerce bills the meters; an unknown meter as first written. */
  readonly dimension: string;
  /** The local meters inside, in the catalog's spelling, sorted. */
  readonly meters: readonly string[];
  readonly quantity: Quantity;
  /** The quantity by month of usage. */
  readonly usageMonths: UsageMonths;
  readonly decision: Decision;
  readonly reason: NotSent;
  readonly planId: string;
  /** The ids of its aggregates. */
  readonly aggregates: readonly string[];
  /** The carried submissions that it contains. */
  readonly carries: readonly string[];
}

/** The aggregates of one meter and subscription that are in no submission, for one reason. */
export interface UnbilledUsage {
  readonly reason: UnbilledReason;
  readonly meterKey: string;
  readonly subscriptionKey: string;
  quantity: Quantity;
  /** The ids of the aggregates. */
  readonly aggregates: string[];
}

/** Everything that is submitted for one closed hour of one source partition. It never changes. */
export interface Composition {
  readonly at: SourcePartition;
  readonly hour: Hour;
  /** The digest of its closed marker. */
  readonly digest: string;
  readonly firstOffset: number;
  readonly markerOffset: number;
  /** The number of aggregates of the hour. */
  readonly aggregates: number;
  /** The number of those that are in submissions: billable, or of an unknown meter. */
  readonly submitted: number;
  readonly submissions: readonly Submission[];
  /** The other aggregates. */
  readonly unbilled: readonly UnbilledUsage[];
  /** The carries that it contains. */
  readonly carries: readonly UsageCarry[];
  /** The terms by which it was composed. */
  readonly terms: Hour;
}

/** How a meter's usage is submitted. */
interface Target {
  readonly dimension: string;
  readonly planId: string;
  readonly isKnown: boolean;
}

interface Group extends Target {
  readonly resourceUri: string;
  readonly subscriptionId: string;
  readonly location: string;
  /** As written first, by their ids in lower case. */
  readonly meters: Map<string, string>;
  quantity: Quantity;
  readonly months: UsageMonth[];
  readonly aggregates: string[];
  readonly carries: string[];
}

type Meters = ReadonlyMap<string, MeterTerms>;

/**
 * Composes an hour: a pure function of its records, its terms, and of who bills which resources in it.
 *
 * | aggregate, the first that applies            | goes into                                          |
 * |----------------------------------------------|----------------------------------------------------|
 * | of a source that is not billable             | nothing, for the reason `source-not-billable`      |
 * | of a subscription of the infrastructure      | nothing, for the reason `infrastructure`           |
 * | of a known meter that is not billed          | nothing, for the reason of the meter               |
 * | of a billed meter                            | the submission of its resource and dimension       |
 * | of an unknown meter                          | the submission of its resource and meter           |
 *
 * A carry always goes into a submission (`targetOfCarry`).
 *
 * | submission                                | decision       |
 * |-------------------------------------------|----------------|
 * | its sum is zero                           | `zero`         |
 * | nothing is reported in this hour          | `not-reported` |
 * | its sum is below zero                     | `credit`       |
 * | the catalog does not know the meter       | `held`         |
 * | another source bills the resource in this | `held`         |
 * | hour                                      |                |
 * | other                                     | `send`         |
 */
export const compose = (
  due: DueHour,
  terms: BillingTerms,
  /** Whether the source bills usage of a namespace in this hour (`owner.ts`). */
  bills: (namespace: string) => boolean,
): Composition => {
  const meters = meterTerms(terms);
  const infrastructure = new Set(terms.infrastructure);
  const groups = new Groups();
  const unbilled = new Map<string, UnbilledUsage>();
  let submitted = 0;
  for (const usage of due.usage) {
    const reason = unbilledReason(due, usage, infrastructure, meters);
    if (reason !== null) {
      addUnbilled(unbilled, reason, usage);
      continue;
    }
    const meter = meters.get(asciiLower(usage.meterId));
    const group = groups.of(usage, targetOf(usage.meterId, meter, terms));
    add(group, [meter?.meterId ?? usage.meterId], usage);
    group.aggregates.push(usage.aggregateId);
    submitted++;
  }
  for (const carry of due.carries) {
    const group = groups.of(carry, targetOfCarry(carry, meters, terms));
    add(group, carry.meters, carry);
    group.carries.push(carry.submissionId);
  }

  return {
    at: due.at,
    hour: due.hour,
    digest: due.digest,
    firstOffset: due.firstOffset,
    markerOffset: due.markerOffset,
    aggregates: due.usage.length,
    submitted,
    submissions: groups.all.map((group) => submissionOf(due, group, terms, bills)),
    unbilled: [...unbilled.values()],
    carries: due.carries,
    terms: terms.effectiveFrom,
  };
};

const unbilledReason = (
  { source }: DueHour,
  { subscriptionId, meterId }: HourUsage,
  infrastructure: ReadonlySet<string>,
  meters: Meters,
): UnbilledReason | null => {
  if (!source.billable) return 'source-not-billable';
  if (infrastructure.has(asciiLower(subscriptionId))) return 'infrastructure';
  const meter = meters.get(asciiLower(meterId));
  return meter?.billable === false ? meter.reason : null;
};

const addUnbilled = (
  unbilled: Map<string, UnbilledUsage>,
  reason: UnbilledReason,
  { aggregateId, meterId, subscriptionId, quantity }: HourUsage,
): void => {
  const meterKey = asciiLower(meterId);
  const subscriptionKey = asciiLower(subscriptionId);
  const key = `${reason}\0${meterKey}\0${subscriptionKey}`;
  const found = unbilled.get(key);
  if (found) {
    found.quantity = addQuantities(found.quantity, quantity);
    found.aggregates.push(aggregateId);
  } else {
    unbilled.set(key, { reason, meterKey, subscriptionKey, quantity, aggregates: [aggregateId] });
  }
};

const targetOf = (
  meterId: string,
  meter: MeterTerms | undefined,
  { planId }: BillingTerms,
): Target =>
  meter?.billable
    ? { dimension: meter.dimension, planId: meter.planId, isKnown: true }
    : { dimension: meter?.meterId ?? meterId, planId, isKnown: meter !== undefined };

/**
 * Where a carried quantity is submitted. If all its meters are billed under one dimension now, it goes
 * there: the meter may have been unknown before, or its dimension was wrong. Otherwise it keeps its
 * dimension, and is held if that is a meter that is still unknown.
 */
const targetOfCarry = (carry: UsageCarry, meters: Meters, terms: BillingTerms): Target => {
  const targets = carry.meters.map((meterId) =>
    targetOf(meterId, meters.get(asciiLower(meterId)), terms),
  );
  const [first] = targets;
  const dimensions = new Set(targets.map(({ dimension }) => asciiLower(dimension)));
  if (first && dimensions.size === 1 && targets.every(({ isKnown }) => isKnown)) return first;
  const dimensionKey = asciiLower(carry.dimension);
  const isHeld = targets.some(
    ({ isKnown, dimension }) => !isKnown && asciiLower(dimension) === dimensionKey,
  );
  return {
    dimension: carry.dimension,
    planId: first?.planId ?? terms.planId,
    isKnown: !isHeld,
  };
};

class Groups {
  private readonly groups = new Map<string, Group>();

  get all(): readonly Group[] {
    return [...this.groups.values()];
  }

  of(
    {
      resourceUri,
      subscriptionId,
      location,
    }: Pick<Group, 'resourceUri' | 'subscriptionId' | 'location'>,
    target: Target,
  ): Group {
    const key = `${resourceKey(resourceUri)}\0${asciiLower(target.dimension)}`;
    const found = this.groups.get(key);
    if (found) return found;
    const group: Group = {
      ...target,
      resourceUri,
      subscriptionId,
      location,
      meters: new Map(),
      quantity: ZERO,
      months: [],
      aggregates: [],
      carries: [],
    };
    this.groups.set(key, group);
    return group;
  }
}

const add = (
  group: Group,
  meters: readonly string[],
  { quantity, months }: Pick<UsageCarry, 'quantity' | 'months'>,
): void => {
  for (const meter of meters) {
    const key = asciiLower(meter);
    if (!group.meters.has(key)) group.meters.set(key, meter);
  }
  group.quantity = addQuantities(group.quantity, quantity);
  group.months.push(...months);
};

const submissionOf = (
  due: DueHour,
  group: Group,
  terms: BillingTerms,
  bills: (namespace: string) => boolean,
): Submission => ({
  submissionId: uuidText(
    uuidOf([
      'submission',
      partitionName(due.at),
      isoText(due.hour),
      resourceKey(group.resourceUri),
      asciiLower(group.dimension),
    ]),
  ),
  resourceUri: group.resourceUri,
  subscriptionId: group.subscriptionId,
  location: group.location,
  dimension: group.dimension,
  meters: [...group.meters.values()].sort(),
  quantity: group.quantity,
  usageMonths: sumOfMonths(group.months),
  ...decisionOf(group, terms, bills),
  planId: group.planId,
  aggregates: group.aggregates,
  carries: group.carries,
});

const decisionOf = (
  { quantity, isKnown, resourceUri }: Group,
  { reporting }: BillingTerms,
  bills: (namespace: string) => boolean,
): Pick<Submission, 'decision' | 'reason'> => {
  if (quantity === 0n) return { decision: 'zero', reason: 'zero-quantity' };
  if (reporting !== 'on') return { decision: 'not-reported', reason: reporting };
  if (quantity < 0n) return { decision: 'credit', reason: 'below-zero' };
  if (!isKnown) return { decision: 'held', reason: 'unknown-meter' };
  return bills(namespaceOf(resourceUri) ?? '')
    ? { decision: 'send', reason: '' }
    : { decision: 'held', reason: 'served-elsewhere' };
};
