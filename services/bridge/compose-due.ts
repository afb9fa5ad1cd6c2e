import { termsOf, type BillingTerms } from '../shared/billing/billing-terms.ts';
import { isoText } from '../shared/model/time.ts';
import type { DueHour } from './fold/bridge-fold.ts';
import { compose, type Composition } from './fold/compose.ts';
import type { Unfinished } from './ports.ts';
import { toSend } from './store/rows.ts';

/** Composes hours that are due, each by the terms that apply to it. */
export const composeDue = (
  due: readonly DueHour[],
  terms: readonly BillingTerms[],
): readonly Composition[] =>
  due.map((hour) => {
    const found = termsOf(terms, hour.hour);
    if (!found) throw new Error(`there are no billing terms for ${isoText(hour.hour)}`);
    return compose(hour, found);
  });

/** The compositions with something to send. */
export const unfinishedOf = (compositions: readonly Composition[]): readonly Unfinished[] =>
  compositions
    .map((composition) => ({ ...composition, count: toSend(composition) }))
    .filter(({ count }) => count > 0)
    .map(({ at, hour, firstOffset, count }) => ({ at, hour, firstOffset, count }));
