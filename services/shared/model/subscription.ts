export const SUBSCRIPTION_STATES = ['active', 'suspended', 'deleted'] as const;

export type SubscriptionState = (typeof SUBSCRIPTION_STATES)[number];

/** An entry of the directory of subscriptions. Ids are in lower case; a text that is not known is empty. */
export interface Subscription {
  readonly id: string;
  /** The subscription of the provider whose direct tenant it is. */
  readonly provider: string;
  readonly state: SubscriptionState;
  readonly displayName: string;
  readonly offer: string;
  /** The customer's Microsoft Entra tenant. A CSP registration maps it to a subscription in Azure. */
  readonly customer: string;
}
