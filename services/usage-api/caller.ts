import { asciiLower } from '../shared/model/placement.ts';
import { badRequest, type ApiError } from './api-error.ts';
import { fail, succeed, type Result } from '../shared/model/result.ts';
import { isSubscriptionId } from './usage-query.ts';

/**
 * The subscription that a call is made for must be the provider's; ARM's answers where it is not.
 * @param given as it is in the path; empty where it is missing
 * @returns the provider's, as it is configured
 */
export const callingSubscription = (given: string, provider: string): Result<string, ApiError> => {
  if (given === '') {
    return fail(
      badRequest(
        'SubscriptionIdMissingInRequest',
        'The id of the calling subscription is missing in the path: /subscriptions/{subscriptionId}/providers/….',
      ),
    );
  }
  if (!isSubscriptionId(given)) {
    return fail(
      badRequest('InvalidSubscriptionId', 'The id of the calling subscription is malformed.'),
    );
  }
  return asciiLower(given) === asciiLower(provider)
    ? succeed(provider)
    : fail({
        status: 404,
        code: 'SubscriptionNotFound',
        message: `The subscription '${given}' could not be found.`,
      });
};
