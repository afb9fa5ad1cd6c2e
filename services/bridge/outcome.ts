import { doubleText, isSameDouble } from '../shared/billing/double.ts';
import { formatQuantity } from '../shared/model/decimal.ts';
import type { Outcome, OutcomeKind, Pending } from './ports.ts';

export const outcomeOf = (
  pending: Pending,
  kind: OutcomeKind,
  more: Partial<Omit<Outcome, 'pending' | 'kind'>>,
): Outcome => ({
  acceptedQuantity: null,
  usageEventId: '',
  code: '',
  message: '',
  ...more,
  pending,
  kind,
});

/** The outcome that follows from the quantity that Commerce holds for a submission. */
export const heldOutcome = (
  pending: Pending,
  kind: 'accepted' | 'duplicate',
  acceptedQuantity: number,
  usageEventId: string,
): Outcome => {
  const { quantity } = pending.submission;
  if (isSameDouble(quantity, acceptedQuantity)) {
    return outcomeOf(pending, kind, { acceptedQuantity, usageEventId });
  }
  return outcomeOf(pending, 'mismatch', {
    acceptedQuantity,
    usageEventId,
    message: `Commerce holds ${doubleText(acceptedQuantity)} instead of ${formatQuantity(quantity)}`,
  });
};

export const deadLetter = (pending: Pending, code: string, message: string): Outcome =>
  outcomeOf(pending, 'dead-lettered', { code, message });
