import { isSubscriptionId } from '../shared/model/subscription-id.ts';

const RESOURCES = {
  provider: 'Microsoft.Commerce.Admin/subscriberUsageAggregates',
  tenant: 'Microsoft.Commerce/usageAggregates',
} as const;

type Api = keyof typeof RESOURCES;

/** The path of an API, for the subscription that calls. Any case is accepted. */
export const usagePath = (api: Api, subscription: string): string =>
  `/subscriptions/${subscription}/providers/${RESOURCES[api]}`;

/** The same with the resource type that scripts of AzureStack-Tools give. */
export const locationsPath = (api: Api, subscription: string): string =>
  usagePath(api, subscription).replace(/[^/]+$/, 'locations/$&');

/** What to call instead of a path at which there is nothing, as the end of a sentence. */
export const rightPath = (wrong: string): string => {
  const [, given = ''] = /^\/+subscriptions\/+([^/]+)/i.exec(wrong) ?? [];
  const subscription = isSubscriptionId(given) ? given : '{subscriptionId}';
  const place = /\/locations\//i.test(wrong)
    ? '. There is one location, so the path does not name it'
    : '';
  if (/admin|subscriber/i.test(wrong)) return `GET ${usagePath('provider', subscription)}${place}`;
  if (/commerce|usage/i.test(wrong)) return `GET ${usagePath('tenant', subscription)}${place}`;
  return `GET ${usagePath('provider', subscription)} for operators, GET ${usagePath('tenant', subscription)} for tenants`;
};
