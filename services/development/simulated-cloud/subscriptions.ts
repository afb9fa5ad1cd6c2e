import { asciiLower } from '../../shared/model/placement.ts';
import type { Subscription } from '../../shared/model/subscription.ts';
import { tenantsOf, type CloudSeed } from './tenant.ts';

/** The subscriptions of a simulated cloud, as direct tenants of a provider. */
export const simulatedSubscriptions = (
  cloud: CloudSeed,
  provider: string,
): readonly Subscription[] =>
  tenantsOf(cloud).map(({ subscriptionId, number }) => ({
    id: subscriptionId,
    provider: asciiLower(provider),
    state: 'active',
    displayName: `Simulated tenant ${String(number + 1)}`,
    offer: 'simulated',
    customer: '',
  }));
