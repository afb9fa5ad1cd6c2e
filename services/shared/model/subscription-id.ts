const SUBSCRIPTION_ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Whether a text can be the id of a subscription: a GUID with dashes, in any case. */
export const isSubscriptionId = (text: string): boolean => SUBSCRIPTION_ID.test(text);
