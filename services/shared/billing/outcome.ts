import { formatQuantity } from '../model/decimal.ts';
import type { Carriable } from '../model/usage-carry.ts';
import { doubleText, isSameDouble } from './double.ts';

/**
 * What became of a submission. Every outcome is final.
 * - `accepted`: Commerce accepted it now
 * - `duplicate`: Commerce had accepted it before with the same quantity (the same double)
 * - `mismatch`: Commerce holds another quantity, and keeps it: an alarm
 * - `carried`: Commerce no longer accepts it, and the quantity goes into a later composition
 * - `dead-lettered`: Commerce refuses it for good, or no longer accepts it and it cannot be carried
 */
export type OutcomeKind = 'accepted' | 'duplicate' | 'mismatch' | 'carried' | 'dead-lettered';

export interface Outcome {
  /** The submission. */
  readonly pending: Carriable;
  readonly kind: OutcomeKind;
  /** The double that Commerce holds. */
  readonly acceptedQuantity: number | null;
  readonly usageEventId: string;
  readonly code: string;
  readonly message: string;
}

export const outcomeOf = (
  pending: Carriable,
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
  pending: Carriable,
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

export const deadLetter = (pending: Carriable, code: string, message: string): Outcome =>
  outcomeOf(pending, 'dead-lettered', { code, message });
