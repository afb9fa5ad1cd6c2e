import { reconcile } from '../../shared/billing/reconcile.ts';
import type { BillingCounts } from '../../shared/billing/billing-counts.ts';
import { verdictOf, type Summary } from './summary.ts';

const summary: Summary = {
  sources: [],
  hourlyWindows: 0,
  dailyWindows: 0,
  completeBefore: null,
  openDeadLetters: 0,
  billedTo: [],
  billing: {} as BillingCounts,
  reconciliation: reconcile({ windows: [], submissions: [], holdings: null }),
};
const ENDED = { seconds: 7.2, logs: '.local/logs' };

test('everything adds up where no difference was found and no record waits for a person', () => {
  expect(verdictOf(summary, [], ENDED)).toBe('Everything adds up, 7 seconds after the start.');
});

test('above open dead letters nothing claims that everything adds up', () => {
  expect(verdictOf({ ...summary, openDeadLetters: 1_200 }, [], ENDED)).toBe(
    'The counts agree, 7 seconds after the start; but 1,200 records were refused and nobody has dealt with them, ' +
      'so not all usage is counted: npx usagectl dlq list',
  );
  expect(verdictOf({ ...summary, openDeadLetters: 1 }, [], ENDED)).toContain(
    '1 record was refused',
  );
});

test('where anything differs, that is said', () => {
  expect(verdictOf({ ...summary, openDeadLetters: 2 }, ['live: other'], ENDED)).toBe(
    'Something does not add up: see above, and the logs in .local/logs.',
  );
});
