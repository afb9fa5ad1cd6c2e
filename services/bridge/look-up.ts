import type { Commerce, Failure } from './commerce/commerce-client.ts';
import { HOLDS_NOTHING, type HeldQuantity } from './commerce/read-answer.ts';
import { deadLetter, heldOutcome, outcomeOf } from './outcome.ts';
import type { Outbox, Outcome, Pending } from './ports.ts';
import { succeed, type Result } from '../shared/model/result.ts';

/** A submission that is settled by what Commerce holds of it, with what it said when it was sent. */
export interface Doubtful {
  readonly kind: 'doubtful';
  readonly pending: Pending;
  /** `duplicate`: without telling the quantity that it holds. */
  readonly said: 'expired' | 'duplicate';
  readonly message: string;
}

/** An outcome, or why there is none yet. */
export type Settled = Outcome | { readonly kind: 'deferred'; readonly reason: string };

/** Why the quantity of a submission cannot go into a later composition; null where it can. */
export type CannotCarry = (pending: Pending) => string | null;

export interface LookUpPorts {
  readonly commerce: Pick<Commerce, 'holdings'>;
  readonly outbox: Outbox;
  readonly cannotCarry: () => Promise<CannotCarry>;
  /** Runs a step again until it succeeds. */
  readonly persist: <T>(what: string, step: () => Promise<T>) => Promise<T>;
}

/**
 * Settles submissions by what Commerce holds of them, all at once: it is asked in as few requests as
 * its answers allow, the register is read once, and all carries are one append. They are in the log
 * before any of their outcomes is told; a second carry of a submission does not count.
 */
export const settleByLookingUp = async (
  doubtful: readonly Doubtful[],
  { commerce, outbox, cannotCarry, persist }: LookUpPorts,
  signal: AbortSignal,
): Promise<Result<readonly Settled[], Failure>> => {
  const answer = await commerce.holdings(
    doubtful.map(({ pending }) => pending),
    signal,
  );
  if (!answer.ok) return answer;
  const known = doubtful.map((each, index) => held(each, answer.value[index] ?? HOLDS_NOTHING));
  if (!known.includes(null)) return succeed(known.filter((settled) => settled !== null));

  const reasonOf = await persist('read the register of sources', cannotCarry);
  const settled = doubtful.map(
    (each, index): Settled => known[index] ?? carried(each, reasonOf(each.pending)),
  );
  const carries = settled.flatMap((each) => (each.kind === 'carried' ? [each.pending] : []));
  if (carries.length > 0) {
    await persist('append carries', () =>
      outbox.appendCarries(
        carries.map(({ at, submission }) => {
          const { submissionId, resourceUri, dimension, quantity } = submission;
          return { ...at, submissionId, resourceUri, dimension, quantity };
        }),
      ),
    );
  }
  return succeed(settled);
};

/** Null where Commerce takes it no more and holds nothing of it. */
const held = ({ pending, said }: Doubtful, holding: HeldQuantity): Settled | null => {
  if (!holding.ok) return { kind: 'deferred', reason: holding.error };
  if (holding.value !== null) {
    // Where it is too old to be taken, the answer to an earlier send was lost.
    return heldOutcome(pending, said === 'expired' ? 'accepted' : 'duplicate', holding.value, '');
  }
  return said === 'expired'
    ? null
    : { kind: 'deferred', reason: 'Commerce calls it a duplicate and holds nothing of it' };
};

const carried = ({ pending, message }: Doubtful, reason: string | null): Outcome =>
  reason === null
    ? outcomeOf(pending, 'carried', { code: 'Expired', message })
    : deadLetter(pending, 'Expired', `${message} ${reason}`.trim());
