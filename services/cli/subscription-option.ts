import { InvalidArgumentError } from 'commander';
import { asciiLower } from '../shared/model/placement.ts';
import { isSubscriptionId } from '../shared/model/subscription-id.ts';

/** The id of a subscription on the command line, in lower case. */
export const subscriptionKey = (text: string): string => {
  if (isSubscriptionId(text)) return asciiLower(text);
  throw new InvalidArgumentError(
    'it must be an id in the form of a GUID, such as 1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4',
  );
};
