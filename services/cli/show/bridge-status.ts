import type { BillingStatus, TermsStatus } from '../../operations/status/billing-status.ts';
import type { BillingCounts } from '../../shared/billing/billing-counts.ts';
import type { Reporting } from '../../shared/billing/billing-terms.ts';
import { unsentText } from '../../shared/billing/unsent.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { formatTable } from '../../shared/terminal/table.ts';

const REPORTING: Readonly<Record<Reporting, string>> = {
  on: 'usage is sent',
  'no-registration': 'nothing is sent: there is no registration (COMMERCE_REGISTRATION_FILE)',
  'not-registered': 'nothing is sent: the registration is not in the state Registered',
  capacity: 'nothing is sent: Capacity is billed by physical cores',
  disabled: 'nothing is sent: the registration has turned reporting off',
};

const FROM_THE_BEGINNING = '1970-01-01T00:00:00Z';

const termsLine = (terms: TermsStatus): string =>
  [
    terms.from === FROM_THE_BEGINNING ? 'from the beginning' : `from ${terms.from}`,
    terms.billingModel === '' ? null : `${terms.billingModel}, plan ${terms.planId}`,
    REPORTING[terms.reporting],
    `${String(terms.billedMeters)} meters are billed, ${String(terms.otherMeters)} are not`,
  ]
    .filter((part) => part !== null)
    .join('; ');

const OUTCOMES: readonly (readonly [keyof BillingCounts, string, string])[] = [
  ['accepted', 'accepted', 'Commerce took it'],
  ['duplicate', 'duplicate', 'Commerce had taken it before: an answer was lost'],
  ['pending', 'pending', 'to be sent'],
  ['carried', 'carried', 'too old for its hour: it goes into a later one'],
  ['held', 'held', 'the meter is unknown: add it to the catalog; or another source bills the hour'],
  ['notReported', 'not-reported', 'the stamp did not report'],
  ['zero', 'zero', 'Commerce takes no zero'],
  ['credit', 'credit', 'below zero, which Commerce does not take: see "usagectl bridge credits"'],
  ['mismatch', 'mismatch', 'WRONG: Commerce holds another quantity'],
  [
    'deadLettered',
    'dead-lettered',
    'WRONG: Commerce refused it; mend the cause, then "usagectl bridge resubmit"',
  ],
];

const UNBILLED: Readonly<Record<string, string>> = {
  'source-not-billable': 'its source is not billed',
  infrastructure: "the stamp's own subscription",
  admin: 'the meter has the price zero',
  deprecated: 'the meter is no longer billed',
  'local-only': 'the meter is for local use alone',
};

const logsTable = ({ logs }: BillingStatus): string =>
  formatTable(
    ['PARTITION', 'COMPOSED TO', 'RESUMES AT', 'END', 'LAG', 'STORED'],
    logs.map(({ partition, nextOffset, resumeOffset, end, storedAt }) => [
      partition,
      nextOffset ?? '-',
      resumeOffset ?? '-',
      end,
      nextOffset === null ? end : end - nextOffset,
      storedAt ?? 'never',
    ]),
  );

const submissionsTable = ({ submissions }: BillingStatus): string =>
  formatTable(
    ['SUBMISSIONS', 'COUNT', 'MEANING'],
    OUTCOMES.filter(([name]) => submissions[name] > 0).map(([name, word, meaning]) => [
      word,
      submissions[name],
      meaning,
    ]),
    { whole: ['MEANING'] },
  );

const requestsTable = ({ requests }: BillingStatus): string =>
  formatTable(
    ['REQUESTS OF THE LAST DAY', 'HTTP', 'HANDLING', 'COUNT', 'LAST', 'WHY'],
    requests.map(({ operation, httpStatus, handling, requests: count, last, message }) => [
      operation,
      httpStatus === 0 ? '-' : httpStatus,
      handling,
      count,
      last,
      message,
    ]),
  );

const unbilledTable = ({ unbilled }: BillingStatus): string =>
  formatTable(
    ['NOT BILLED', 'AGGREGATES', 'METERS', 'SUBSCRIPTIONS', 'WHY'],
    unbilled.map(({ reason, aggregates, meters, subscriptions }) => [
      reason,
      aggregates,
      meters,
      subscriptions,
      UNBILLED[reason] ?? '',
    ]),
    { whole: ['WHY'] },
  );

/** What the bridge does, for a terminal. The last lines are the verdict. */
export const formatBridgeStatus = (
  status: BillingStatus,
  problems: readonly string[],
  now: number,
): string =>
  [
    status.terms.length === 0
      ? 'Terms   none: no bridge has run here'
      : status.terms.map((terms) => `Terms   ${printable(termsLine(terms))}`).join('\n'),
    logsTable(status),
    ...(status.submissions.submissions > 0 ? [submissionsTable(status)] : ['No submissions yet.']),
    ...(status.unbilled.length > 0 ? [unbilledTable(status)] : []),
    ...(status.requests.length > 0 ? [requestsTable(status)] : []),
    `Not sent yet   ${status.unsent === null ? 'nothing' : unsentText(status.unsent, now)}`,
    problems.length === 0
      ? 'Nothing is wrong.'
      : problems.map((problem) => `WRONG: ${printable(problem)}`).join('\n'),
  ].join('\n\n');
