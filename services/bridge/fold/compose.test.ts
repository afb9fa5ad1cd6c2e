import {
  aggregateOf,
  BILLABLE,
  hour,
  NOT_BILLABLE,
  ONE,
  sourceOf,
  termsOfAll,
  UNKNOWN,
  uriOf,
} from '../../../test/support/bridge/aggregates-log.ts';
import type { BillingTerms } from '../../shared/billing/billing-terms.ts';
import { formatQuantity, type Quantity } from '../../shared/model/decimal.ts';
import type { Source } from '../../shared/model/source.ts';
import { uuidText } from '../../shared/model/usage-event.ts';
import type { DueHour } from './bridge-fold.ts';
import { compose } from './compose.ts';
import type { PendingCarry } from './source-progress.ts';

const AT = { topic: 'usage.events.compute', epoch: 1, partition: 0 };

const usage = (meterId: string, name: string, quantity: bigint) => {
  const { aggregateId, resourceUri } = aggregateOf(AT, hour(0), uriOf(name), { meterId });
  return {
    aggregateId: uuidText(aggregateId),
    meterId,
    resourceUri,
    quantity: quantity as Quantity,
  };
};

const carry = (dimension: string, quantity: bigint): PendingCarry => ({
  ...AT,
  offset: 1,
  submissionId: '00000000-0000-4000-8000-00000000000a',
  resourceUri: uriOf('a'),
  dimension,
  quantity: quantity as Quantity,
});

const dueOf = (
  used: readonly ReturnType<typeof usage>[],
  carries: readonly PendingCarry[] = [],
  source: Partial<Source> = {},
  h = 0,
): DueHour => ({
  at: AT,
  source: sourceOf(source),
  hour: hour(h),
  firstOffset: 0,
  markerOffset: 9,
  digest: 'd',
  usage: used,
  carries,
});

const submissionsOf = (due: DueHour, terms: Partial<BillingTerms> = {}) =>
  compose(due, termsOfAll(terms)).submissions;

test('aggregates of one resource and meter are one submission, whatever their case', () => {
  const used = [usage(BILLABLE, 'VM', ONE), usage(BILLABLE.toLowerCase(), 'vm', 2n)];
  const [submission, ...others] = submissionsOf(dueOf(used));
  expect(others).toEqual([]);
  expect(submission).toMatchObject({
    resourceUri: uriOf('VM'),
    dimension: BILLABLE,
    decision: 'send',
    planId: 'plan',
    aggregates: used.map(({ aggregateId }) => aggregateId),
  });
  expect(formatQuantity(submission?.quantity ?? (0n as Quantity))).toBe(
    '1.000000000000000000000000000002',
  );
});

test('the id of a submission is the one of its source partition, hour, resource and dimension', () => {
  const idOf = (due: DueHour): string | undefined => submissionsOf(due)[0]?.submissionId;
  const one = idOf(dueOf([usage(BILLABLE, 'a', 1n)]));
  expect(one).toBe('791e3edb-9ea4-5893-bfad-0201bf285c58');
  expect(idOf(dueOf([usage(BILLABLE.toLowerCase(), 'A', 5n)]))).toBe(one);
  const others = [
    dueOf([usage(BILLABLE, 'b', 1n)]),
    dueOf([usage(UNKNOWN, 'a', 1n)]),
    dueOf([usage(BILLABLE, 'a', 1n)], [], {}, 1),
    { ...dueOf([usage(BILLABLE, 'a', 1n)]), at: { ...AT, partition: 1 } },
    { ...dueOf([usage(BILLABLE, 'a', 1n)]), at: { ...AT, epoch: 2 } },
  ].map(idOf);
  expect(new Set([one, ...others]).size).toBe(6);
});

test('a known meter that is not billable is in no submission; an unknown one is held', () => {
  const composition = compose(
    dueOf([usage(NOT_BILLABLE, 'a', 1n), usage(UNKNOWN, 'a', 1n), usage(BILLABLE, 'a', 1n)]),
    termsOfAll(),
  );
  expect(composition).toMatchObject({ aggregates: 3, submitted: 2 });
  expect(composition.submissions.map((each) => [each.dimension, each.decision])).toEqual([
    [UNKNOWN, 'held'],
    [BILLABLE, 'send'],
  ]);
});

test('nothing of a source that is not billable is submitted', () => {
  const composition = compose(
    dueOf([usage(BILLABLE, 'a', 1n)], [], { billable: false }),
    termsOfAll(),
  );
  expect(composition).toMatchObject({ aggregates: 1, submitted: 0, submissions: [] });
});

test('a sum of zero is not sent, and recorded as such', () => {
  expect(submissionsOf(dueOf([usage(BILLABLE, 'a', 0n)]))).toMatchObject([{ decision: 'zero' }]);
});

test.each(['no-registration', 'not-registered', 'capacity', 'disabled'] as const)(
  'while reporting is "%s", usage is collected and not sent, also of unknown meters',
  (reporting) => {
    const used = [usage(BILLABLE, 'a', 1n), usage(UNKNOWN, 'a', 1n), usage(BILLABLE, 'b', 0n)];
    expect(submissionsOf(dueOf(used), { reporting }).map((each) => each.decision)).toEqual([
      'not-reported',
      'not-reported',
      'zero',
    ]);
  },
);

test('a carry adds to the usage of its resource and dimension, and stands alone where there is none', () => {
  expect(submissionsOf(dueOf([usage(BILLABLE, 'A', 1n)], [carry(BILLABLE, 2n)]))).toMatchObject([
    { quantity: 3n, carries: ['00000000-0000-4000-8000-00000000000a'], decision: 'send' },
  ]);
  expect(submissionsOf(dueOf([usage(BILLABLE, 'A', 0n)], [carry(BILLABLE, 2n)]))).toMatchObject([
    { quantity: 2n, decision: 'send' },
  ]);
  expect(submissionsOf(dueOf([], [carry(BILLABLE, 2n)]))).toMatchObject([
    { quantity: 2n, aggregates: [], decision: 'send' },
  ]);
});

test('what was carried is sent although its meter is billed no more; its new usage is not', () => {
  const due = dueOf([usage(NOT_BILLABLE, 'a', 5n)], [carry(NOT_BILLABLE, 2n)]);
  expect(submissionsOf(due)).toMatchObject([{ quantity: 2n, aggregates: [], decision: 'send' }]);
});
