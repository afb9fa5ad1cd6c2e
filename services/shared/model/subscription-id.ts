/**
 * The form of a GUID, but with any letters: a real Azure Stack Hub returned subscriptions such as
 * `eb377774-8d90-4f4b-bc76-0211g8bfbf94` (samples/azurestack-user-subscriptions.json).
 */
const SUBSCRIPTION_ID = /^[\da-z]{8}(?:-[\da-z]{4}){3}-[\da-z]{12}$/i;

export const isSubscriptionId = (text: string): boolean => SUBSCRIPTION_ID.test(text);
