import { readFileSync } from 'node:fs';
import { inRepository } from '../../shared/process/repository.ts';
import { readSubscriptionFile } from './subscription-file.ts';

const SAMPLE = readFileSync(inRepository('samples/azurestack-user-subscriptions.json'), 'utf8');

const ROW = {
  subscriptionId: '1D6C4363-3a9b-4cb6-8e6c-fc2e9ec74ca4',
  delegatedProviderSubscriptionId: '5816b1a6-ee2e-4590-8dff-a6a1e0de9ef6',
  state: 'Enabled',
};

const fileOf = (...rows: readonly object[]): string => JSON.stringify({ value: rows });

test('all 16 subscriptions of a real answer are read, also those with letters that no GUID has', () => {
  const read = readSubscriptionFile('sample', SAMPLE);
  expect(read).toHaveLength(16);
  expect(read[0]).toEqual({
    id: 'fba5bdb2-c2ca-48c1-a9af-6562a70603d8',
    provider: '5816b1a6-ee2e-4590-8dff-a6a1e0de9ef6',
    state: 'active',
    displayName:
      'DRPTestfba5bdb2-test-test-test-test-test-test-test-test-test-test-test-test-test-test',
    offer:
      '/subscriptions/5816b1a6-ee2e-4590-8dff-a6a1e0de9ef6/resourceGroups/DRPTestResourceGroup2393/providers/Microsoft.Subscriptions.Admin/offers/DRPTestOffer2393',
    customer: '8272fdc6-5ec8-4aed-b10c-c09e3221910c',
  });
  expect(read.map(({ id }) => id)).toContain('eb377774-8d90-4f4b-bc76-0211g8bfbf94');
});

test('a file that PowerShell has saved, with a byte order mark, is read', () => {
  expect(readSubscriptionFile('x', `\uFEFF${fileOf(ROW)}`)).toEqual([
    {
      id: '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4',
      provider: '5816b1a6-ee2e-4590-8dff-a6a1e0de9ef6',
      state: 'active',
      displayName: '',
      offer: '',
      customer: '',
    },
  ]);
});

test.each([
  ['Enabled', 'active'],
  ['Warned', 'active'],
  ['PastDue', 'active'],
  ['Disabled', 'suspended'],
  ['DELETED', 'deleted'],
  ['suspended', 'suspended'],
])('the state %s is %s', (state, expected) => {
  expect(readSubscriptionFile('x', fileOf({ ...ROW, state }))[0]?.state).toBe(expected);
});

test.each([
  ['no JSON', 'x.json cannot be imported: it is not JSON'],
  ['[]', 'x.json cannot be imported: it is not a list of subscriptions'],
  ['{}', 'value: must be a list of subscriptions. Nothing was changed.'],
  [JSON.stringify({ value: [], nextLink: 'https://x' }), 'it is one page of several'],
  [fileOf(ROW, {}), 'subscription 2: subscriptionId: '],
  [
    fileOf({ ...ROW, subscriptionId: 'x' }),
    'subscription 1: subscriptionId: must be a subscription id',
  ],
  [
    fileOf({ ...ROW, delegatedProviderSubscriptionId: undefined }),
    'delegatedProviderSubscriptionId: ',
  ],
  [fileOf({ ...ROW, state: 'NotDefined' }), 'subscription 1: state: must be Enabled, Warned'],
  [fileOf({ ...ROW, displayName: 'x'.repeat(1025) }), 'subscription 1: displayName: '],
  [
    fileOf(ROW, { ...ROW, subscriptionId: ROW.subscriptionId.toLowerCase() }),
    'subscription 2 has the id of subscription 1',
  ],
])('a wrong file is refused, and the row named: %s', (content, problem) => {
  expect(() => readSubscriptionFile('x.json', content)).toThrow(problem);
});
