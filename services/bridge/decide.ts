import type { Millis } from '../shared/model/time.ts';
import type { BatchAnswer } from './commerce/commerce-client.ts';
import type { Failure } from './commerce/failure.ts';
import type { ItemAnswer } from './commerce/read-answer.ts';
import type { Doubtful } from './look-up.ts';
import { deadLetter, heldOutcome, type Outcome } from '../shared/billing/outcome.ts';
import type { Pending } from './ports.ts';

/** What an answer means for one submission: its outcome, or that it is looked up, or sent again later. */
export type Decision =
  | { readonly kind: 'settled'; readonly outcome: Outcome }
  | ({ readonly kind: 'doubtful' } & Omit<Doubtful, 'pending'>)
  | { readonly kind: 'deferred'; readonly reason: string };

/** What is said of the nth submission. A refusal of one alone is its status. */
export const saidOf = (
  answer: Exclude<BatchAnswer, Failure>,
  index: number,
): ItemAnswer | undefined =>
  answer.kind === 'answered'
    ? answer.items[index]
    : {
        status: 'BadRequest',
        handling: answer.isAboutTime ? 'look-up' : 'dead-letter',
        message: answer.message,
      };

/** @param date Commerce's clock; null if it does not say */
export const decide = (pending: Pending, said: ItemAnswer, date: Millis | null): Decision => {
  switch (said.handling) {
    case 'compare': {
      const { kind, quantity, usageEventId } = said;
      return quantity === null
        ? { kind: 'doubtful', said: 'duplicate', message: '' }
        : { kind: 'settled', outcome: heldOutcome(pending, kind, quantity, usageEventId) };
    }
    case 'look-up':
      return date !== null && date < pending.hour
        ? { kind: 'deferred', reason: "Commerce's clock is before the hour of the usage" }
        : { kind: 'doubtful', said: 'expired', message: said.message };
    case 'retry':
      return { kind: 'deferred', reason: `Commerce could not accept it: ${said.message}` };
    case 'dead-letter':
      return { kind: 'settled', outcome: deadLetter(pending, said.status, said.message) };
  }
};
