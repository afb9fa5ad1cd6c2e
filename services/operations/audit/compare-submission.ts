import type { MeterTerms } from '../../shared/billing/billing-terms.ts';
import { formatQuantity, type Quantity } from '../../shared/model/decimal.ts';
import { asciiLower, resourceKey } from '../../shared/model/placement.ts';
import { partitionName, type SourcePartition } from '../../shared/model/source.ts';
import { isoText, type Hour } from '../../shared/model/time.ts';
import { uuidOf, uuidText } from '../../shared/model/usage-event.ts';
import { contradiction, type Values } from './differences.ts';

/** A stored submission with its outcome. */
export interface Submission {
  readonly id: string;
  readonly hour: number;
  readonly resourceUri: string;
  readonly resourceKey: string;
  readonly dimension: string;
  readonly dimensionKey: string;
  readonly quantity: Quantity;
  readonly decision: string;
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
  /** The quantity of the usage; null if the log has no billable usage for it. */
  readonly usage: Quantity | null;
  /** Including carried quantities. */
  readonly quantity: Quantity;
  readonly aggregates: readonly string[];
  /** Those of its carries that exist as submissions. */
  readonly carries: readonly string[];
  readonly reporting: string;
  readonly planId: string;
  /** Null if the catalog does not know the meter. */
  readonly meter: MeterTerms | null;
}

/** The resource is compared in lower case, because the aggregator decides on the spelling. */
const COLUMNS = [
  'submission_id',
  'resource_uri',
  'dimension',
  'quantity',
  'decision',
  'plan_id',
  'aggregates',
  'carries',
];

/** Everything that is wrong with a submission. */
export const submissionProblems = (found: Submission, due: Due): readonly string[] => {
  if (due.usage === null && found.carries.length === 0) {
    return ['is submitted, and the log has no billable usage for it'];
  }
  const { resourceKey: resource, dimensionKey } = found;
  const expected: Values = [
    uuidText(
      uuidOf(['submission', partitionName(due.at), isoText(due.hour), resource, dimensionKey]),
    ),
    resource,
    due.meter?.dimension ??
      (asciiLower(found.dimension) === dimensionKey ? found.dimension : dimensionKey),
    formatQuantity(due.quantity),
    decisionOf(found.quantity, due),
    due.planId,
    [...due.aggregates].sort().join(' '),
    due.carries.join(' '),
  ];
  const stored: Values = [
    found.id,
    resourceKey(found.resourceUri),
    found.dimension,
    formatQuantity(found.quantity),
    found.decision,
    found.planId,
    [...found.aggregates].sort().join(' '),
    found.carries.join(' '),
  ];
  const wrong = contradiction(COLUMNS, expected, stored);
  const outcome = outcomeProblem(found);
  return [wrong, outcome].filter((problem) => problem !== null);
};

const decisionOf = (quantity: Quantity, { reporting, meter }: Due): string => {
  if (quantity === 0n) return 'zero';
  if (reporting !== 'on') return 'not-reported';
  return meter === null ? 'held' : 'send';
};

/** Commerce keeps doubles: it has accepted a quantity if it holds that quantity's double. */
const isAccepted = (quantity: Quantity, accepted: string | null): boolean =>
  accepted !== null && Number(accepted) === Number(formatQuantity(quantity));

const outcomeProblem = ({ outcome, decision, quantity }: Submission): string | null => {
  if (outcome === null) return null;
  const { kind, accepted } = outcome;
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
