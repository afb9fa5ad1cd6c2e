import { asciiLower } from '../../shared/model/placement.ts';
import type { Subscription } from '../../shared/model/subscription.ts';
import { subscriptionOf, type CloudOptions } from './cloud.ts';

/** The subscriptions of a simulated cloud, as direct tenants of a provider. */
export const simulatedSubscriptions = (
  { seed, tenants }: CloudOptions,
  provider: string,
): readonly Subscription[] =>
  Array.from({ length: tenants }, (_, tenant) => ({
    id: subscriptionOf(seed, tenant),
    provider: asciiLower(provider),
    state: 'active',
    displayName: `Simulated tenant ${String(tenant + 1)}`,
    offer: 'simulated',
    customer: '',
  }));
