import { UserError } from '../../shared/process/errors.ts';
import { failureText, type UsageFailure } from '../../shared/usage-client/usage-failure.ts';
import type { UsageTarget } from '../../operations/usage/usage-target.ts';

const TOKEN_WAYS =
  'give a token in USAGE_API_TOKEN, or make a profile with "usagectl profile add NAME --token-file FILE"';

/** What a person can do about a failure; null if its message says it all. */
const remedyOf = (
  { code, status, message }: UsageFailure,
  { profile }: UsageTarget,
): string | null => {
  const from =
    profile === null ? '' : ` (profile "${profile}": "usagectl profile show ${profile}")`;
  if (status === 401) return `The API wants to know who calls: ${TOKEN_WAYS}${from}.`;
  if (status === 403) return `The token does not allow this${from}.`;
  switch (code) {
    case 'Unreachable':
      return profile === null
        ? 'Start it with "npm start", or set USAGE_API_URL, with USAGE_API_CA_FILE for a CA of its own, or use --profile.'
        : `See "usagectl profile show ${profile}".`;
    case 'RequestEndTimeIsInFuture':
      return 'With --provisional you also get the hours that are still open.';
    case 'InvalidProperty':
      if (message.includes("'continuationToken' is stale")) {
        return 'Usage in the range changed while it was read. What was printed is not all of it: drop it, and run the command again.';
      }
      return message.includes('daily') ? 'For hours say --granularity hourly.' : null;
    case 'ProcessingNotComplete':
      return 'Wait longer with --wait SECONDS, or see what there is so far with --provisional. "usagectl status" says why an hour does not close, or that it is being restated.';
    case 'SubscriptionNotFound':
      return `Name the calling subscription with --subscription, or in PROVIDER_SUBSCRIPTION_ID${from}.`;
    default:
      return null;
  }
};

/** One error for a person: what the API says, and what to do. */
export const usageFailed = (failure: UsageFailure, target: UsageTarget): UserError => {
  const remedy = remedyOf(failure, target);
  return new UserError(`${failureText(failure)}${remedy === null ? '' : `\n${remedy}`}`);
};
