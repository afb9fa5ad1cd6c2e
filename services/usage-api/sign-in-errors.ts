import { isoText } from '../shared/model/time.ts';
import type { UsageApi } from '../shared/sign-in/access.ts';
import type { Identity, TokenProblem } from '../shared/sign-in/verify-token.ts';
import type { ApiError, ErrorCode } from './api-error.ts';

type Challenge = readonly [code: ErrorCode, message: string];

/** The codes are those of Azure Resource Manager. */
const challengeOf = (problem: TokenProblem): Challenge => {
  switch (problem.kind) {
    case 'missing':
      return [
        'AuthenticationFailed',
        "Authentication failed. The 'Authorization' header is missing: send 'Authorization: Bearer' with a token.",
      ];
    case 'expired':
      return [
        'ExpiredAuthenticationToken',
        `The access token expired at ${isoText(problem.expiredAt)}: get a new one.`,
      ];
    case 'audience':
      return [
        'InvalidAuthenticationTokenAudience',
        'The access token was made for another audience.',
      ];
    case 'issuer':
      return [
        'InvalidAuthenticationTokenTenant',
        'The access token is from another issuer than the one that this API trusts.',
      ];
    case 'not-yet-valid':
      return ['InvalidAuthenticationToken', 'The access token is not valid yet.'];
    case 'invalid':
      return ['InvalidAuthenticationToken', 'The access token is invalid.'];
  }
};

/** The answer to a request without a good token. */
export const authenticationError = (problem: TokenProblem): ApiError => {
  const [code, message] = challengeOf(problem);
  // A request without a token has done nothing wrong yet, so the challenge names no error (RFC 6750, 3.1).
  const why =
    problem.kind === 'missing'
      ? ''
      : `, error="invalid_token", error_description="${message.replaceAll(/["\\]/g, "'")}"`;
  return {
    status: 401,
    code,
    message,
    headers: { 'www-authenticate': `Bearer realm="usage-api"${why}` },
  };
};

const ACTIONS: Readonly<Record<UsageApi, string>> = {
  provider: 'Microsoft.Commerce.Admin/subscriberUsageAggregates/read',
  tenant: 'Microsoft.Commerce/usageAggregates/read',
};

/** The words are those of Azure Resource Manager. They are the same whether the subscription exists or not. */
export const notAuthorized = (
  api: UsageApi,
  subscription: string,
  { name, objectId }: Identity,
): ApiError => ({
  status: 403,
  code: 'AuthorizationFailed',
  message: `The client '${name}' with object id '${objectId}' does not have authorization to perform action '${ACTIONS[api]}' over scope '/subscriptions/${subscription}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
});

/** Azure Resource Manager's answer for a subscription that is not there. */
export const subscriptionNotFound = (given: string): ApiError => ({
  status: 404,
  code: 'SubscriptionNotFound',
  message: `The subscription '${given}' could not be found.`,
});

/** The answer while nobody can say whether a token is good. */
export const KEYS_UNAVAILABLE: ApiError = {
  status: 503,
  code: 'ServiceUnavailable',
  message: 'The keys of the issuer of tokens are not available at the moment. Try again later.',
  headers: { 'retry-after': '30' },
};
