import type { BillingCounts } from '../../shared/billing/billing-counts.ts';
import type { PartitionStatus } from './partitions.ts';
import { problemsOf, type Known } from './problems.ts';

const partition: PartitionStatus = {
  topic: 'usage.events.compute',
  epoch: 1,
  partition: 0,
  state: 'open',
  openHour: null,
  accepted: 0,
  duplicate: 0,
  deadLettered: 2,
  control: 1,
  lost: 0,
  nextOffset: 3,
  lag: 0,
  trouble: null,
};

const well: Known = {
  services: [
    { name: 'aggregator', state: 'ready', reason: null, isWrong: false },
    { name: 'bridge', state: 'not running here', reason: null, isWrong: false },
  ],
  partitions: [partition],
  bridge: [],
  restating: [],
  unsent: null,
  billing: { deadLettered: 0, mismatch: 0, pending: 5, held: 3 } as BillingCounts,
};

test('nothing is wrong where all is well, also elsewhere than here', () => {
  expect(problemsOf(well)).toEqual([]);
});

test.each<[string, Partial<Known>, string]>([
  [
    'a frozen service',
    {
      services: [{ name: 'aggregator', state: 'no answer', reason: 'nothing came', isWrong: true }],
    },
    'aggregator: no answer: nothing came',
  ],
  [
    'a partition that stands still',
    { partitions: [{ ...partition, trouble: 'it is stuck' }] },
    'usage.events.compute/1[0]: it is stuck',
  ],
  [
    'nothing to look at',
    { partitions: [] },
    'no source is registered, so nothing is counted: run "usagectl provision"',
  ],
  ['a bridge that stands still', { bridge: ['the bridge is stuck'] }, 'the bridge is stuck'],
  [
    'a restatement that is not finished',
    { restating: ['an hour is being restated'] },
    'an hour is being restated',
  ],
  ['usage that waits to be billed', { unsent: 'usage is not billed' }, 'usage is not billed'],
  [
    'submissions that were refused',
    { billing: { ...well.billing, deadLettered: 1_200 } },
    'Commerce refused 1,200 submissions for good: "usagectl bridge reconcile"',
  ],
])('%s is a problem', (_, changes, problem) => {
  expect(problemsOf({ ...well, ...changes })).toEqual([problem]);
});
