import type { DeadLetterCode } from '../../shared/model/dead-letter.ts';

/** What to do about each kind of dead letter; docs/dead-letters.md says more. */
export const REMEDIES: Readonly<Record<DeadLetterCode, string>> = {
  malformed:
    'the bytes are no event: have the provider report it again correctly, and discard this',
  'unknown-schema':
    'publish the schema, put it into the rules with "usagectl rules apply", then redrive',
  'invalid-text': 'have the provider report it again correctly, and discard this',
  'no-rules': 'it stood before the first rules: redrive',
  'invalid-identity': 'have the provider report it again correctly, and discard this',
  'text-too-long': 'have the provider report it again with shorter texts, and discard this',
  'invalid-period': 'have the provider report it again correctly, and discard this',
  'spans-hours': 'have the provider split the usage by hours and report it again; discard this',
  'in-future': 'redrive once its usage has begun; look at the clock of the provider',
  'too-old': 'raise maxUsageAge in the rules and redrive, or discard it',
  'below-floor': 'the ledger no longer tells whether it was counted: discard it',
  'invalid-quantity': 'have the provider report it again correctly, and discard this',
  'negative-quantity': 'have the provider report it again correctly, and discard this',
  'quantity-too-large': 'have the provider report it again correctly, and discard this',
  'wrong-key': 'redrive: it gets the key of its resource; mend the provider',
  'wrong-partition': 'redrive: it goes to the partition of its resource; mend the provider',
  'wrong-provider':
    'add the namespace to a provider ("usagectl rules apply") where none serves it, then redrive',
  'wrong-subscription': 'have the provider report it again correctly, and discard this',
  conflict:
    'the event that was accepted first counts: compare the two, and discard this or report the difference as an event of its own',
  'outside-run': 'correct the recording; or discard it',
  'after-end': 'the source was sealed: report it on a live topic, or discard it',
  'forged-control': 'find out who writes control records to this topic; discard it',
  'invalid-control': 'find out which tool wrote it; discard it',
};

export const DEAD_LETTER_CODES = Object.keys(REMEDIES) as DeadLetterCode[];
