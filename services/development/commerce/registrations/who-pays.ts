import { asciiLower, subscriptionOf } from '../../../shared/model/placement.ts';
import { resourceName, type Billing, type MeteringEvent } from '../metering-event.ts';
import type { CustomerMap } from './customer-map.ts';
import { registrationOf, type AzureDirectory } from './registrations-file.ts';

/**
 * Who pays for an event. Azure maps local subscriptions to Azure subscriptions when usage is forwarded
 * (docs/commerce.md, "Who pays"): so this is decided when the event is accepted, and kept with it.
 *
 * @param clientId who sends it; null where callers are not told apart
 */
export const whoPays = (
  directory: AzureDirectory,
  customers: CustomerMap,
  event: Pick<MeteringEvent, 'resource' | 'additionalInfo'>,
  clientId: string | null,
): Billing => {
  const registration = registrationOf(directory, clientId);
  const local = event.additionalInfo?.['azureStack.SubscriptionId'];
  const named = local ?? subscriptionOf(resourceName(event.resource));
  const tenantSubscription = named === null ? null : asciiLower(named);
  const payer =
    tenantSubscription === null ? null : customers.payerOf(registration.name, tenantSubscription);
  return {
    registration: registration.name,
    tenantSubscription,
    billedTo: payer ?? registration.subscriptionId,
  };
};
