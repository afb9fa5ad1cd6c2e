import type { HeldQuantity } from './commerce/read-answer.ts';
import { HOLDS_NOTHING } from './commerce/read-answer.ts';
import { deadLetter, heldOutcome, outcomeOf, type Outcome } from '../shared/billing/outcome.ts';
import type { Outbox, Pending } from './ports.ts';
import { carryOf } from '../shared/model/usage-carry.ts';

/** A submission to be settled by what Commerce holds, and what Commerce said when it was sent. */
export interface Doubtful {
  readonly pending: Pending;
  /** `duplicate`: Commerce did not say which quantity it holds. */
  readonly said: 'expired' | 'duplicate';
  readonly message: string;
}

/** An outcome, or why there is none yet. */
export type Settled = Outcome | { readonly kind: 'deferred'; readonly reason: string };

/** Why the quantity of a submission cannot go into a later composition; null if it can. */
export type CannotCarry = (pending: Pending) => string | null;

export interface SettlePorts {
  readonly outbox: Outbox;
  readonly cannotCarry: () => Promise<CannotCarry>;
  /** Runs a step again until it succeeds. */
  readonly persist: <T>(what: string, step: () => Promise<T>) => Promise<T>;
}

/**
 * Settles submissions together, by what Commerce holds for them: the register is read once, and all carries are
 * appended together. Carries are in the log before any of their outcomes is recorded. A second carry of a submission
 * does not count.
 */
export const settleByHoldings = async (
  doubtful: readonly Doubtful[],
  holdings: readonly HeldQuantity[],
  { outbox, cannotCarry, persist }: SettlePorts,
): Promise<readonly Settled[]> => {
  const known = doubtful.map((each, index) => held(each, holdings[index] ?? HOLDS_NOTHING));
  if (!known.includes(null)) return known.filter((settled) => settled !== null);

  const reasonOf = await persist('read the register of sources', cannotCarry);
  const settled = doubtful.map(
    (each, index): Settled => known[index] ?? carried(each, reasonOf(each.pending)),
  );
  const carries = settled.flatMap((each) => (each.kind === 'carried' ? [each.pending] : []));
  if (carries.length > 0) {
    await persist('append carries', () =>
      outbox.appendCarries(carries.map((each) => carryOf(each, 'expired'))),
    );
  }
  return settled;
};

/** Null if Commerce no longer accepts it and holds nothing for it. */
const held = ({ pending, said }: Doubtful, holding: HeldQuantity): Settled | null => {
  if (!holding.ok) return { kind: 'deferred', reason: holding.error };
  if (holding.value !== null) {
    // If it is too old to be accepted, the answer to an earlier attempt was lost.
    return heldOutcome(pending, said === 'expired' ? 'accepted' : 'duplicate', holding.value, '');
  }
  return said === 'expired'
    ? null
    : { kind: 'deferred', reason: 'Commerce calls it a duplicate but holds nothing for it' };
};

const carried = ({ pending, message }: Doubtful, reason: string | null): Outcome =>
  reason === null
    ? outcomeOf(pending, 'carried', { code: 'Expired', message })
    : deadLetter(pending, 'Expired', `${message} ${reason}`.trim());
