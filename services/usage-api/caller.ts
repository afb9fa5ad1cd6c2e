import { asciiLower } from '../shared/model/placement.ts';
import { badRequest, type ApiError } from './api-error.ts';
import { fail, succeed, type Result } from '../shared/model/result.ts';
import { isSubscriptionId } from './usage-query.ts';

/**
 * Checks that the subscription in the path is the provider's. If it is not, the answer is the one that ARM
 * gives.
 * @param given the id in the path; empty if it is missing
 * @returns the provider's id, as configured
 */
export const callingSubscription = (given: string, provider: string): Result<string, ApiError> => {
  if (given === '') {
    return fail(
      badRequest(
        'SubscriptionIdMissingInRequest',
        'The id of the calling subscription is missing from the path: /subscriptions/{subscriptionId}/providers/….',
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
