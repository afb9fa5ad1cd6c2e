import { formatQuantity } from '../model/decimal.ts';
import { quantityFromDouble } from './double.ts';
import type { Outcome, OutcomeKind } from './outcome.ts';

/**
 * If several outcomes of a submission are recorded, the one with the highest rank counts: an alarm stays,
 * and outcomes from Commerce rank above outcomes that were decided without it.
 */
const RANKS: Readonly<Record<OutcomeKind, number>> = {
  'dead-lettered': 1,
  carried: 2,
  duplicate: 3,
  accepted: 4,
  mismatch: 5,
};

/** The limit of the column: less than 10^46. */
const LIMIT = 1e46;

/** What Commerce holds, as the column takes it. Null if it cannot hold the quantity. */
const acceptedText = (accepted: number | null): string | null =>
  accepted === null || Math.abs(accepted) >= LIMIT
    ? null
    : formatQuantity(quantityFromDouble(accepted));

/** The row of `commerce_outcomes`. */
export const outcomeRow = ({
  pending: { at, hour, submission },
  kind,
  acceptedQuantity,
  usageEventId,
  code,
  message,
}: Outcome): Readonly<Record<string, unknown>> => ({
  topic: at.topic,
  epoch: at.epoch,
  partition: at.partition,
  reported_hour: hour / 1000,
  submission_id: submission.submissionId,
  outcome: kind,
  accepted_quantity: acceptedText(acceptedQuantity),
  usage_event_id: usageEventId,
  code,
  message,
  rank: RANKS[kind],
});
