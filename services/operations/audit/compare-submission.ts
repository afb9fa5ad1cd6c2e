import type { MeterTerms } from '../../shared/billing/billing-terms.ts';
import { formatQuantity, type Quantity } from '../../shared/model/decimal.ts';
import { asciiLower, resourceKey } from '../../shared/model/placement.ts';
import { partitionName, type SourcePartition } from '../../shared/model/source.ts';
import { isoText, type Hour } from '../../shared/model/time.ts';
import { uuidOf, uuidText } from '../../shared/model/usage-event.ts';
import { contradiction, type Values } from './differences.ts';

/** A submission as it is stored, with what became of it. */
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
  /** Ids of the aggregates inside. */
  readonly aggregates: readonly string[];
  readonly carries: readonly string[];
  readonly outcome: Outcome | null;
}

export interface Outcome {
  readonly kind: string;
  readonly accepted: string | null;
}

/** What the log, and the terms of its hour, say of a submission. */
export interface Due {
  readonly at: SourcePartition;
  readonly hour: Hour;
  /** Of the usage; null where the log has none of it that is billed. */
  readonly usage: Quantity | null;
  /** With what is carried. */
  readonly quantity: Quantity;
  readonly aggregates: readonly string[];
  /** Those of its carries that are submissions. */
  readonly carries: readonly string[];
  readonly reporting: string;
  readonly planId: string;
  /** Null where the catalog does not know it. */
  readonly meter: MeterTerms | null;
}

/** The resource in lower case: how it is written first is the aggregator's to say. */
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

/** All that is wrong with a submission. */
export const submissionProblems = (found: Submission, due: Due): readonly string[] => {
  if (due.usage === null && found.carries.length === 0) {
    return ['is submitted, and the log has nothing of it that is billed'];
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

/** Commerce keeps doubles: it has accepted a quantity whose double is the one that it holds. */
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
      return `outcome is ${kind}, which is none`;
  }
};
