import { asciiLower } from '../../shared/model/placement.ts';
import type { Subscription } from '../../shared/model/subscription.ts';

/**
 * What is wrong with a subscription that is its own provider; null if nothing is. Its usage would be hidden
 * from the default provider, and so from the operator. The default provider itself may be its own.
 */
export const ownProviderProblem = (
  { id, provider }: Pick<Subscription, 'id' | 'provider'>,
  defaultProvider: string,
): string | null =>
  provider !== id || id === asciiLower(defaultProvider)
    ? null
    : `${id} cannot be its own provider: only the default provider can, which is ${asciiLower(defaultProvider)} (PROVIDER_SUBSCRIPTION_ID). Name the provider whose direct tenant it is`;
