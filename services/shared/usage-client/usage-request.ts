import { isoText, type Millis } from '../model/time.ts';

const API_VERSION = '2015-06-01-preview';

/** What to ask for. */
export interface UsageRequest {
  /** `provider`: all direct tenants of the subscription; `tenant`: the subscription alone. */
  readonly api: 'provider' | 'tenant';
  /** The calling subscription. */
  readonly subscriptionId: string;
  /** Reported time, inclusive. */
  readonly from: Millis;
  /** Reported time, exclusive. */
  readonly to: Millis;
  readonly granularity: 'Hourly' | 'Daily';
  /** One direct tenant; null for all. For the provider API alone. */
  readonly subscriberId: string | null;
}

const RESOURCE_TYPES = {
  provider: 'Microsoft.Commerce.Admin/subscriberUsageAggregates',
  tenant: 'Microsoft.Commerce/usageAggregates',
} as const;

/** The path and query of the first page. */
export const pathOf = (request: UsageRequest): string => {
  const { api, subscriptionId, from, to, granularity, subscriberId } = request;
  const query = new URLSearchParams({
    'api-version': API_VERSION,
    reportedStartTime: isoText(from),
    reportedEndTime: isoText(to),
    aggregationGranularity: granularity,
    ...(subscriberId !== null && { subscriberId }),
  });
  return `/subscriptions/${encodeURIComponent(subscriptionId)}/providers/${RESOURCE_TYPES[api]}?${query.toString()}`;
};
