import { termsOf, type BillingTerms } from '../shared/billing/billing-terms.ts';
import type { CannotCarry } from './look-up.ts';
import type { SourceRegister } from './source-register.ts';

/** Reads anew what decides whether late usage can go into a later hour: the register, and the terms of its hour. */
export const readCannotCarry = async (
  register: SourceRegister,
  readTerms: () => Promise<readonly BillingTerms[]>,
): Promise<CannotCarry> => {
  const reasonOf = await register.cannotCarry();
  const terms = await readTerms();
  return ({ at, hour, submission }) =>
    termsOf(terms, hour)?.late === 'dead-lettered'
      ? 'Late usage is not carried: the registration says so (lateUsage).'
      : reasonOf(at, submission.resourceUri);
};
