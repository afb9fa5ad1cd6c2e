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
import { carryInto, SUBSCRIPTION } from '../../../test/support/bridge/examples.ts';
import type { BilledMeter, BillingTerms } from '../../shared/billing/billing-terms.ts';
import { formatQuantity, type Quantity } from '../../shared/model/decimal.ts';
import type { Source } from '../../shared/model/source.ts';
import { uuidText } from '../../shared/model/usage-event.ts';
import type { UsageMonths } from '../../shared/model/usage-months.ts';
import type { DueHour } from './bridge-fold.ts';
import { compose } from './compose.ts';
import type { HourUsage } from './open-hour.ts';
import type { PendingCarry } from './source-progress.ts';

const AT = { topic: 'usage.events.compute', epoch: 1, partition: 0 };

const MONTH = '2026-01';
const OTHER_METER = '9CD92D4C-BAFD-4492-B278-BEDC2DE8232A';
const DIMENSION = 'fb8c0713-ea20-40bf-901f-5560fd3f6330';

const partOf = (quantity: bigint, month = MONTH): UsageMonths =>
  quantity === 0n ? [] : [{ month, quantity: quantity as Quantity }];

const usage = (
  meterId: string,
  name: string,
  quantity: bigint,
  changes: Partial<HourUsage> = {},
): HourUsage => {
  const { aggregateId, resourceUri } = aggregateOf(AT, hour(0), uriOf(name), { meterId });
  return {
    aggregateId: uuidText(aggregateId),
    subscriptionId: SUBSCRIPTION,
    meterId,
    resourceUri,
    location: 'local',
    quantity: quantity as Quantity,
    months: partOf(quantity),
    ...changes,
  };
};

const CARRIED = '00000000-0000-4000-8000-00000000000a';

const carry = (
  dimension: string,
  quantity: bigint,
  changes: Partial<PendingCarry> = {},
): PendingCarry => ({
  ...carryInto(AT, { submissionId: CARRIED, dimension, quantity: quantity as Quantity }),
  offset: 1,
  ...changes,
});

const dueOf = (
  used: readonly HourUsage[],
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
  compose(due, termsOfAll(terms), () => true).submissions;

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
    () => true,
  );
  expect(composition).toMatchObject({
    aggregates: 3,
    submitted: 2,
    unbilled: [
      {
        reason: 'local-only',
        meterKey: NOT_BILLABLE.toLowerCase(),
        subscriptionKey: SUBSCRIPTION,
        quantity: 1n,
        aggregates: [expect.any(String)],
      },
    ],
  });
  expect(composition.submissions.map((each) => [each.dimension, each.decision])).toEqual([
    [UNKNOWN, 'held'],
    [BILLABLE, 'send'],
  ]);
});

test('nothing of a source that is not billable is submitted', () => {
  const composition = compose(
    dueOf([usage(BILLABLE, 'a', 1n)], [], { billable: false }),
    termsOfAll(),
    () => true,
  );
  expect(composition).toMatchObject({
    aggregates: 1,
    submitted: 0,
    submissions: [],
    unbilled: [{ reason: 'source-not-billable', quantity: 1n }],
  });
});

test('a sum of zero is not sent, and recorded as such', () => {
  expect(submissionsOf(dueOf([usage(BILLABLE, 'a', 0n)]))).toMatchObject([
    { decision: 'zero', reason: 'zero-quantity', usageMonths: [] },
  ]);
});

test('usage-taken-back-is-sent-as-a-quantity-below-zero: a sum below zero is a credit, which is not sent', () => {
  const taken = dueOf([usage(BILLABLE, 'a', -5n), usage(UNKNOWN, 'a', -1n)]);
  expect(submissionsOf(taken).map((each) => [each.quantity, each.decision, each.reason])).toEqual([
    [-5n, 'credit', 'below-zero'],
    [-1n, 'credit', 'below-zero'],
  ]);
});

test('what is taken back lowers the other usage of its submission, and carries, down to the last digit', () => {
  expect(submissionsOf(dueOf([usage(BILLABLE, 'a', -5n)], [carry(BILLABLE, 6n)]))).toMatchObject([
    { quantity: 1n, decision: 'send' },
  ]);
  expect(submissionsOf(dueOf([usage(BILLABLE, 'a', -5n)], [carry(BILLABLE, 5n)]))).toMatchObject([
    { quantity: 0n, decision: 'zero' },
  ]);
  expect(submissionsOf(dueOf([usage(BILLABLE, 'a', -5n)], [carry(BILLABLE, 4n)]))).toMatchObject([
    { quantity: -1n, decision: 'credit', carries: [CARRIED] },
  ]);
});

test.each(['no-registration', 'not-registered', 'capacity', 'disabled'] as const)(
  'while reporting is "%s", usage is collected and not sent, also of unknown meters',
  (reporting) => {
    const used = [usage(BILLABLE, 'a', 1n), usage(UNKNOWN, 'a', 1n), usage(BILLABLE, 'b', 0n)];
    expect(
      submissionsOf(dueOf(used), { reporting }).map((each) => [each.decision, each.reason]),
    ).toEqual([
      ['not-reported', reporting],
      ['not-reported', reporting],
      ['zero', 'zero-quantity'],
    ]);
  },
);

test('a carry adds to the usage of its resource and dimension, and stands alone where there is none', () => {
  expect(submissionsOf(dueOf([usage(BILLABLE, 'A', 1n)], [carry(BILLABLE, 2n)]))).toMatchObject([
    { quantity: 3n, carries: [CARRIED], decision: 'send' },
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

test('usage of the infrastructure is not sent, whatever the case of its subscription', () => {
  const composition = compose(
    dueOf([
      usage(BILLABLE, 'a', 1n, { subscriptionId: SUBSCRIPTION.toUpperCase() }),
      usage(UNKNOWN, 'a', 2n),
    ]),
    termsOfAll({ infrastructure: [SUBSCRIPTION] }),
    () => true,
  );
  expect(composition).toMatchObject({ submitted: 0, submissions: [] });
  expect(composition.unbilled.map(({ reason, quantity }) => [reason, quantity])).toEqual([
    ['infrastructure', 1n],
    ['infrastructure', 2n],
  ]);
});

const MAPPED: readonly BilledMeter[] = [
  { meterId: BILLABLE, dimension: DIMENSION, planId: 'cores' },
  { meterId: OTHER_METER, dimension: DIMENSION, planId: 'cores' },
];

test('meters of one dimension are one submission, which names them and their plan', () => {
  const used = [usage(OTHER_METER.toLowerCase(), 'a', 2n), usage(BILLABLE, 'A', 1n)];
  expect(submissionsOf(dueOf(used), { billedMeters: MAPPED })).toMatchObject([
    {
      dimension: DIMENSION,
      meters: [OTHER_METER, BILLABLE].sort(),
      quantity: 3n,
      planId: 'cores',
      aggregates: used.map(({ aggregateId }) => aggregateId),
    },
  ]);
});

test('a quantity keeps the months in which it was used, also where it is carried over the end of one', () => {
  const december = carry(BILLABLE, 5n, {
    months: [...partOf(2n, '2025-11'), ...partOf(3n, '2025-12')],
  });
  const used = usage(BILLABLE, 'a', 4n, { months: [...partOf(1n, '2025-12'), ...partOf(3n)] });
  expect(submissionsOf(dueOf([used], [december]))).toMatchObject([
    {
      quantity: 9n,
      usageMonths: [...partOf(2n, '2025-11'), ...partOf(4n, '2025-12'), ...partOf(3n)],
    },
  ]);
});

test('a released carry goes under the dimension of its meter, now that the catalog knows it', () => {
  const released = carry(OTHER_METER.toLowerCase(), 2n, { reason: 'released' });
  expect(submissionsOf(dueOf([], [released]), { billedMeters: MAPPED })).toMatchObject([
    { dimension: DIMENSION, planId: 'cores', decision: 'send', carries: [CARRIED] },
  ]);
  expect(submissionsOf(dueOf([], [released]))).toMatchObject([
    { dimension: OTHER_METER.toLowerCase(), decision: 'held', reason: 'unknown-meter' },
  ]);
});

test('a carry of a dimension that was mapped wrongly goes under the right one', () => {
  const wrong = carry('wrong', 2n, { reason: 'resubmitted', meters: [BILLABLE, OTHER_METER] });
  expect(submissionsOf(dueOf([], [wrong]), { billedMeters: MAPPED })).toMatchObject([
    { dimension: DIMENSION, meters: [OTHER_METER, BILLABLE].sort(), decision: 'send' },
  ]);
});

test('a carry whose meters are billed under several dimensions keeps its own', () => {
  const apart = [
    { meterId: BILLABLE, dimension: 'one', planId: 'plan' },
    { meterId: OTHER_METER, dimension: 'two', planId: 'plan' },
  ];
  const both = carry('both', 2n, { meters: [BILLABLE, OTHER_METER] });
  expect(submissionsOf(dueOf([], [both]), { billedMeters: apart })).toMatchObject([
    { dimension: 'both', decision: 'send' },
  ]);
});

test('what another source bills in this hour is held, and so are carries', () => {
  const due = dueOf(
    [usage(BILLABLE, 'a', ONE)],
    [carry(BILLABLE, 2n, { resourceUri: uriOf('b') })],
  );
  const asked: string[] = [];
  const { submissions } = compose(due, termsOfAll(), (namespace) => {
    asked.push(namespace);
    return false;
  });
  expect(new Set(asked)).toEqual(new Set(['microsoft.compute']));
  expect(submissions.map(({ decision, reason }) => `${decision} ${reason}`)).toEqual([
    'held served-elsewhere',
    'held served-elsewhere',
  ]);
});

test('of what is not sent anyway it does not matter who bills the hour', () => {
  const used = [usage(UNKNOWN, 'a', ONE), usage(BILLABLE, 'a', 0n), usage(BILLABLE, 'b', -1n)];
  const { submissions } = compose(dueOf(used), termsOfAll(), () => false);
  expect(submissions.map(({ reason }) => reason)).toEqual([
    'unknown-meter',
    'zero-quantity',
    'below-zero',
  ]);
});
