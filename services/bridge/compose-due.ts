import { termsOf, type BillingTerms } from '../shared/billing/billing-terms.ts';
import { billsIn } from '../shared/billing/owner.ts';
import type { Source } from '../shared/model/source.ts';
import { isoText } from '../shared/model/time.ts';
import type { DueHour } from './fold/bridge-fold.ts';
import { compose, type Composition } from './fold/compose.ts';
import type { Unfinished } from './ports.ts';
import { toSend } from './store/rows.ts';

/** Composes hours that are due, each by the terms that apply to it, and by the register. */
export const composeDue = (
  due: readonly DueHour[],
  terms: readonly BillingTerms[],
  sources: readonly Source[],
): readonly Composition[] =>
  due.map((each) => {
    const { source, hour } = each;
    const found = termsOf(terms, hour);
    if (!found) throw new Error(`there are no billing terms for ${isoText(hour)}`);
    return compose(each, found, (namespace) => billsIn(sources, source, namespace, hour));
  });

/** The compositions with something to send. */
export const unfinishedOf = (compositions: readonly Composition[]): readonly Unfinished[] =>
  compositions
    .map((composition) => ({ ...composition, count: toSend(composition) }))
    .filter(({ count }) => count > 0)
    .map(({ at, hour, firstOffset, count }) => ({ at, hour, firstOffset, count }));
