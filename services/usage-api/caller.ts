import { asciiLower } from '../shared/model/placement.ts';
import { isSubscriptionId } from '../shared/model/subscription-id.ts';
import { badRequest, type ApiError } from './api-error.ts';
import { fail, succeed, type Result } from '../shared/model/result.ts';

/** The operator's API has the usage of all direct tenants, the tenant's that of one subscription. */
export type UsageApi = 'provider' | 'tenant';

/** The subscriptions whose usage a caller may read: their ids in lower case, each once, in order. */
export type Visible = 'all' | readonly string[];

/** Who calls, and what the caller may read. */
export interface Caller {
  /** The subscription in the path, as it stands in answers. */
  readonly subscription: string;
  readonly visible: Visible;
}

/** What a request says about its caller. */
export interface CallerRequest {
  readonly api: UsageApi;
  /** From the path; empty if it is missing. */
  readonly subscription: string;
  /** The header `Authorization`; null if there is none. */
  readonly authorization: string | null;
}

/** Decides who calls. The error is the answer to a caller who may not. */
export type CallerOf = (request: CallerRequest) => Promise<Result<Caller, ApiError>>;

/**
 * Everybody may call: as the provider for all subscriptions, or as a tenant for the subscription in the
 * path.
 */
export const callerWithoutSignIn =
  (provider: string): CallerOf =>
  (request) =>
    Promise.resolve(withoutSignIn(request, provider));

const withoutSignIn = (
  { api, subscription: given }: CallerRequest,
  provider: string,
): Result<Caller, ApiError> => {
  const id = pathSubscription(given);
  if (!id.ok) return id;
  if (api === 'tenant') return succeed({ subscription: id.value, visible: [id.value] });
  return id.value === asciiLower(provider)
    ? succeed({ subscription: provider, visible: 'all' })
    : fail(subscriptionNotFound(given));
};

/**
 * The subscription in the path, in lower case.
 * @param given empty if it is missing
 */
export const pathSubscription = (given: string): Result<string, ApiError> => {
  if (given === '') {
    return fail(
      badRequest(
        'SubscriptionIdMissingInRequest',
        'The id of the calling subscription is missing from the path: /subscriptions/{subscriptionId}/providers/….',
      ),
    );
  }
  return isSubscriptionId(given)
    ? succeed(asciiLower(given))
    : fail(badRequest('InvalidSubscriptionId', 'The id of the calling subscription is malformed.'));
};

/** ARM's answer for a subscription that is not there. */
const subscriptionNotFound = (given: string): ApiError => ({
  status: 404,
  code: 'SubscriptionNotFound',
  message: `The subscription '${given}' could not be found.`,
});
