import { addQuantities, formatQuantity, ZERO, type Quantity } from '../../shared/model/decimal.ts';
import { asciiLower, resourceKey, subscriptionOf } from '../../shared/model/placement.ts';
import { partitionName, type SourcePartition } from '../../shared/model/source.ts';
import { isoText, type Hour } from '../../shared/model/time.ts';
import { uuidOf, uuidText } from '../../shared/model/usage-event.ts';
import { contradiction, type Values } from './differences.ts';
import { billedAs, type BilledAs, type OwedSum, type TermsInForce } from './owed-hour.ts';

/** What a stored submission says, and what a carry takes along. */
export interface Carried {
  readonly id: string;
  readonly location: string;
  readonly dimension: string;
  readonly meters: readonly string[];
  readonly quantity: Quantity;
  /** By month of usage: `2026-11`. */
  readonly months: ReadonlyMap<string, Quantity>;
}

/** A stored submission with its outcome. */
export interface Submission extends Carried {
  readonly hour: number;
  readonly resourceUri: string;
  readonly resourceKey: string;
  readonly subscriptionId: string;
  readonly dimensionKey: string;
  readonly decision: string;
  readonly reason: string;
  readonly planId: string;
  /** The ids of its aggregates. */
  readonly aggregates: readonly string[];
  readonly carries: readonly string[];
  readonly outcome: Outcome | null;
}

export interface Outcome {
  readonly kind: string;
  readonly accepted: string | null;
}

/** What a submission should be, by the log and the terms of its hour. */
export interface Due {
  readonly at: SourcePartition;
  readonly hour: Hour;
  /** Null if the log has no billable usage for it. */
  readonly usage: OwedSum | null;
  /** Those of its carries that exist as submissions. */
  readonly carries: readonly Carried[];
  readonly inForce: TermsInForce;
  /** Whether another topic bills the resource in this hour. */
  readonly isElsewhere: boolean;
}

/** The resource is compared in lower case, because the aggregator decides on the spelling. */
const COLUMNS = [
  'submission_id',
  'resource_uri',
  'subscription_id',
  'location',
  'dimension',
  'meters',
  'quantity',
  'usage_months',
  'decision',
  'reason',
  'plan_id',
  'aggregates',
  'carries',
];

/** Everything that is wrong with a submission. */
export const submissionProblems = (found: Submission, due: Due): readonly string[] => {
  if (due.usage === null && found.carries.length === 0) {
    return ['is submitted, and the log has no billable usage for it'];
  }
  const wrong = contradiction(COLUMNS, expectedOf(found, due), storedOf(found));
  const strays = due.carries
    .filter((carry) => asciiLower(targetOf(carry, due.inForce).dimension) !== found.dimensionKey)
    .map(({ id }) => `contains the carry ${id}, which is billed under another dimension`);
  return [wrong, ...strays, outcomeProblem(found)].filter((problem) => problem !== null);
};

const expectedOf = (found: Submission, due: Due): Values => {
  const { usage, carries, inForce } = due;
  const { resourceKey: resource, dimensionKey } = found;
  const [firstCarry] = carries;
  const target = usage?.dimension ?? (firstCarry && targetOf(firstCarry, inForce));
  const quantity = carries
    .map((each) => each.quantity)
    .reduce(addQuantities, usage?.quantity ?? ZERO);
  const { decision, reason } = decisionOf(found.quantity, target ?? null, due);
  return [
    uuidText(
      uuidOf(['submission', partitionName(due.at), isoText(due.hour), resource, dimensionKey]),
    ),
    resource,
    asciiLower(subscriptionOf(resource) ?? ''),
    usage?.location ?? firstCarry?.location ?? '',
    target?.isKnown ? target.dimension : spelt(found, dimensionKey),
    [
      ...new Set([
        ...(usage?.meters ?? []),
        ...carries.flatMap((each) => each.meters.map(asciiLower)),
      ]),
    ]
      .sort()
      .join(' '),
    formatQuantity(quantity),
    monthsText([
      usage?.months ?? new Map<string, Quantity>(),
      ...carries.map((each) => each.months),
    ]),
    decision,
    reason,
    target?.planId ?? '',
    [...(usage?.aggregates ?? [])].sort().join(' '),
    found.carries.filter((id) => carries.some((each) => each.id === id)).join(' '),
  ];
};

const storedOf = (found: Submission): Values => [
  found.id,
  resourceKey(found.resourceUri),
  asciiLower(found.subscriptionId),
  found.location,
  found.dimension,
  found.meters.map(asciiLower).sort().join(' '),
  formatQuantity(found.quantity),
  monthsText([found.months]),
  found.decision,
  found.reason,
  found.planId,
  [...found.aggregates].sort().join(' '),
  found.carries.join(' '),
];

/** An unknown meter may be written in any way. */
const spelt = ({ dimension }: Submission, dimensionKey: string): string =>
  asciiLower(dimension) === dimensionKey ? dimension : dimensionKey;

const monthsText = (parts: readonly ReadonlyMap<string, Quantity>[]): string => {
  const sums = new Map<string, Quantity>();
  for (const part of parts) {
    for (const [month, quantity] of part) {
      sums.set(month, addQuantities(sums.get(month) ?? ZERO, quantity));
    }
  }
  return [...sums]
    .filter(([, quantity]) => quantity !== 0n)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([month, quantity]) => `${month} ${formatQuantity(quantity)}`)
    .join(', ');
};

/**
 * A carry goes to the one dimension under which all its meters are billed now. Where there is no such
 * dimension, it keeps its own, and waits while that is a meter that nobody knows.
 */
const targetOf = (carry: Carried, inForce: TermsInForce): BilledAs => {
  const all = carry.meters.map((meter) => billedAs(asciiLower(meter), inForce));
  const [first] = all;
  const names = new Set(all.map(({ dimension }) => asciiLower(dimension)));
  if (first && names.size === 1 && all.every(({ isKnown }) => isKnown)) return first;
  const waits = all.some(
    ({ isKnown, dimension }) => !isKnown && asciiLower(dimension) === asciiLower(carry.dimension),
  );
  return {
    dimension: carry.dimension,
    planId: first?.planId ?? inForce.terms.planId,
    isKnown: !waits,
  };
};

const decisionOf = (
  quantity: Quantity,
  target: BilledAs | null,
  { inForce, isElsewhere }: Due,
): { readonly decision: string; readonly reason: string } => {
  const { reporting } = inForce.terms;
  if (quantity === 0n) return { decision: 'zero', reason: 'zero-quantity' };
  if (reporting !== 'on') return { decision: 'not-reported', reason: reporting };
  if (quantity < 0n) return { decision: 'credit', reason: 'below-zero' };
  if (target?.isKnown !== true) return { decision: 'held', reason: 'unknown-meter' };
  return isElsewhere
    ? { decision: 'held', reason: 'served-elsewhere' }
    : { decision: 'send', reason: '' };
};

/** Commerce keeps doubles: it has accepted a quantity if it holds that quantity's double. */
const isAccepted = (quantity: Quantity, accepted: string | null): boolean =>
  accepted !== null && Number(accepted) === Number(formatQuantity(quantity));

const outcomeProblem = ({ outcome, decision, quantity }: Submission): string | null => {
  if (outcome === null) return null;
  const { kind, accepted } = outcome;
  if (decision === 'held' && kind === 'carried') return null; // released
  if (decision !== 'send') return `outcome is ${kind}, and it is not sent: ${decision}`;
  switch (kind) {
    case 'mismatch':
      return `Commerce holds another quantity: ${String(accepted)}`;
    case 'accepted':
    case 'duplicate':
      return isAccepted(quantity, accepted)
        ? null
        : `quantity is ${formatQuantity(quantity)}, accepted ${String(accepted)}`;
    case 'carried':
    case 'dead-lettered':
      return accepted === null ? null : `outcome is ${kind}, and ${accepted} was accepted`;
    default:
      return `outcome is ${kind}, which is not an outcome`;
  }
};
