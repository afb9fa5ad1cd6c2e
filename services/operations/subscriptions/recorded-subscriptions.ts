import { asciiLower } from '../../shared/model/placement.ts';
import { isSubscriptionId } from '../../shared/model/subscription-id.ts';
import type { Subscription } from '../../shared/model/subscription.ts';
import type { Recording } from '../history-runs/recording.ts';

/**
 * The subscriptions whose usage is in a recording, as direct tenants of the provider into whose stamp it is
 * imported. What the usage API could not be asked for by name is left out.
 */
export const recordedSubscriptions = (
  { rows }: Pick<Recording, 'rows'>,
  provider: string,
): readonly Subscription[] =>
  [...new Set(rows.map(({ subscriptionId }) => asciiLower(subscriptionId)))]
    .filter(isSubscriptionId)
    .sort()
    .map((id) => ({
      id,
      provider: asciiLower(provider),
      state: 'active',
      displayName: '',
      offer: '',
      customer: '',
    }));
