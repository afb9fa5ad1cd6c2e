import { asciiLower } from '../shared/model/placement.ts';
import { fail, succeed, type Result } from '../shared/model/result.ts';
import { isSubscriptionId } from '../shared/model/subscription-id.ts';
import type { DirectoryView } from '../shared/directory/directory-view.ts';
import {
  accessOf,
  hasRole,
  type AccessRequest,
  type UsageApi,
  type Visible,
} from '../shared/sign-in/access.ts';
import type { SignIn } from '../shared/sign-in/sign-in-settings.ts';
import { badRequest, type ApiError } from './api-error.ts';
import { authenticationError, notAuthorized, subscriptionNotFound } from './sign-in-errors.ts';

export type { UsageApi, Visible } from '../shared/sign-in/access.ts';

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
  /** Whether the call is for a later page of an answer: then the directory of a moment ago will do. */
  readonly continues?: boolean;
}

/** Decides who calls. The error is the answer to a caller who may not. */
export type CallerOf = (request: CallerRequest) => Promise<Result<Caller, ApiError>>;

export interface CallerTools {
  /** Null without sign-in: then everybody has a role on every subscription. */
  readonly signIn: SignIn | null;
  readonly directory: Pick<DirectoryView, 'entriesFor'>;
  /** The default provider, as it stands in answers. */
  readonly provider: string;
}

/**
 * Decides by the token, the path and the directory. The directory is asked only for callers who have a role
 * on the subscription in the path: for others, neither the answer nor its time may depend on it.
 */
export const callerBy =
  ({ signIn, directory, provider }: CallerTools): CallerOf =>
  async ({ api, subscription: given, authorization, continues = false }) => {
    const identity = signIn === null ? null : await signIn(authorization);
    if (identity !== null && !identity.ok) return fail(authenticationError(identity.error));
    const id = pathSubscription(given);
    if (!id.ok) return id;
    const request: AccessRequest = {
      api,
      subscription: id.value,
      defaultProvider: provider,
      roles: identity === null ? 'every' : identity.value.roles,
    };
    const entries = hasRole(request) ? await directory.entriesFor(request, continues) : [];
    const access = accessOf(request, entries);
    if (access.kind === 'granted') {
      const isProvider = id.value === asciiLower(provider);
      return succeed({ subscription: isProvider ? provider : id.value, visible: access.visible });
    }
    return fail(
      access.kind === 'deleted' || identity === null
        ? subscriptionNotFound(given)
        : notAuthorized(api, id.value, identity.value),
    );
  };

/**
 * The subscription in the path, in lower case.
 * @param given empty if it is missing
 */
const pathSubscription = (given: string): Result<string, ApiError> => {
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
