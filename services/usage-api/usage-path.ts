import type { UsageApi } from './caller.ts';

const RESOURCES: Readonly<Record<UsageApi, string>> = {
  provider: 'Microsoft.Commerce.Admin/subscriberUsageAggregates',
  tenant: 'Microsoft.Commerce/usageAggregates',
};

/** The path of an API, for the subscription that calls. Any case is accepted. */
export const usagePath = (api: UsageApi, subscription: string): string =>
  `/subscriptions/${subscription}/providers/${RESOURCES[api]}`;
