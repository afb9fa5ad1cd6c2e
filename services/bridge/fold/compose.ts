import { addQuantities, ZERO, type Quantity } from '../../shared/model/decimal.ts';
import { asciiLower, resourceKey } from '../../shared/model/placement.ts';
import { partitionName, type SourcePartition } from '../../shared/model/source.ts';
import { isoText, type Hour } from '../../shared/model/time.ts';
import { uuidOf, uuidText } from '../../shared/model/usage-event.ts';
import { meterTerms, type BillingTerms } from '../../shared/billing/billing-terms.ts';
import type { DueHour } from './bridge-fold.ts';

/**
 * What is done with a submission. It is decided when the submission is composed, and never again:
 * - `send`: it goes to Commerce
 * - `zero`: Commerce accepts no zero
 * - `not-reported`: the stamp is not registered, or does not report; usage is only collected
 * - `held`: the catalog does not know the meter yet
 */
export type Decision = 'send' | 'zero' | 'not-reported' | 'held';

/** One resource's consumption of one dimension in one reported hour, as it is reported to Commerce. */
export interface Submission {
  /** UUIDv5 over source partition, hour, resource and dimension. */
  readonly submissionId: string;
  /** As first written. */
  readonly resourceUri: string;
  /** The meter in the catalog's spelling; an unknown meter as first written. */
  readonly dimension: string;
  readonly quantity: Quantity;
  readonly decision: Decision;
  readonly planId: string;
  /** The ids of its aggregates. */
  readonly aggregates: readonly string[];
  /** The carried submissions that it contains. */
  readonly carries: readonly string[];
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
  /** The submissions whose carries it contains. */
  readonly carries: readonly string[];
  /** The terms by which it was composed. */
  readonly terms: Hour;
}

interface Group {
  readonly resourceUri: string;
  readonly resourceKey: string;
  readonly dimension: string;
  readonly dimensionKey: string;
  readonly isKnown: boolean;
  quantity: Quantity;
  readonly aggregates: string[];
  readonly carries: string[];
}

/**
 * Composes an hour: a pure function of its records and its terms.
 *
 * | aggregate or carry                        | goes into                                       |
 * |-------------------------------------------|-------------------------------------------------|
 * | aggregate of a source that is not billable| nothing: it is counted                          |
 * | aggregate of a known, not billable meter  | nothing: it is counted                          |
 * | aggregate of a billable or unknown meter  | the submission of its resource and meter        |
 * | carry                                     | the submission of its resource and dimension    |
 *
 * | submission                                | decision    |
 * |-------------------------------------------|----------------|
 * | its sum is zero                           | `zero`         |
 * | nothing is reported in this hour          | `not-reported` |
 * | the catalog does not know the meter       | `held`         |
 * | other                                     | `send`         |
 */
export const compose = (due: DueHour, terms: BillingTerms): Composition => {
  const meters = meterTerms(terms);
  const groups = new Map<string, Group>();
  const groupOf = (uri: string, meter: string): Group => {
    const dimensionKey = asciiLower(meter);
    const key = `${resourceKey(uri)}\0${dimensionKey}`;
    const found = groups.get(key);
    if (found) return found;
    const known = meters.get(dimensionKey);
    const group: Group = {
      resourceUri: uri,
      resourceKey: resourceKey(uri),
      dimension: known?.dimension ?? meter,
      dimensionKey,
      isKnown: known !== undefined,
      quantity: ZERO,
      aggregates: [],
      carries: [],
    };
    groups.set(key, group);
    return group;
  };

  let submitted = 0;
  for (const { aggregateId, meterId, resourceUri, quantity } of due.usage) {
    if (!due.source.billable || meters.get(asciiLower(meterId))?.billable === false) continue;
    const group = groupOf(resourceUri, meterId);
    group.quantity = addQuantities(group.quantity, quantity);
    group.aggregates.push(aggregateId);
    submitted++;
  }
  for (const { submissionId, resourceUri, dimension, quantity } of due.carries) {
    const group = groupOf(resourceUri, dimension);
    group.quantity = addQuantities(group.quantity, quantity);
    group.carries.push(submissionId);
  }

  return {
    at: due.at,
    hour: due.hour,
    digest: due.digest,
    firstOffset: due.firstOffset,
    markerOffset: due.markerOffset,
    aggregates: due.usage.length,
    submitted,
    submissions: [...groups.values()].map((group) => submissionOf(due, group, terms)),
    carries: due.carries.map(({ submissionId }) => submissionId),
    terms: terms.effectiveFrom,
  };
};

const submissionOf = (due: DueHour, group: Group, terms: BillingTerms): Submission => ({
  submissionId: uuidText(
    uuidOf([
      'submission',
      partitionName(due.at),
      isoText(due.hour),
      group.resourceKey,
      group.dimensionKey,
    ]),
  ),
  resourceUri: group.resourceUri,
  dimension: group.dimension,
  quantity: group.quantity,
  decision: decisionOf(group, terms),
  planId: terms.planId,
  aggregates: group.aggregates,
  carries: group.carries,
});

const decisionOf = ({ quantity, isKnown }: Group, { reporting }: BillingTerms): Decision => {
  if (quantity === 0n) return 'zero';
  if (reporting !== 'on') return 'not-reported';
  return isKnown ? 'send' : 'held';
};
