import { exact, pendingOf } from '../../../test/support/bridge/sender-world.ts';
import { batchBody } from './usage-message.ts';

const itemOf = (body: string): Readonly<Record<string, unknown>> =>
  (JSON.parse(body) as { request: Readonly<Record<string, unknown>>[] }).request[0] ?? {};

const info = {
  'azureStack.SubscriptionId': pendingOf(0).submission.subscriptionId,
  'azureStack.MeterId': 'A,B',
  'azureStack.Location': 'local',
  'azureStack.EventDateTime': '01/10/2026 13:00:00',
};

const pending = (usageMonths: readonly (readonly [string, string])[]) => {
  const { submission, ...rest } = pendingOf(0, '15.5', 13);
  const months = usageMonths.map(([month, text]) => ({ month, quantity: exact(text) }));
  return { ...rest, submission: { ...submission, meters: ['A', 'B'], usageMonths: months } };
};

test('a submission says whose usage it is, as Azure shows it', () => {
  const item = itemOf(batchBody([pending([['2026-01', '15.5']])], true));
  expect(item['additionalInfo']).toEqual(info);
});

test('usage of an earlier month keeps its month, with all digits', () => {
  const months = [
    ['2025-12', '12.500000000000000000000000000001'],
    ['2026-01', '3'],
  ] as const;
  const item = itemOf(batchBody([pending(months)], true));
  expect(item['additionalInfo']).toEqual({
    ...info,
    usageMonths: months.map(([month, quantity]) => ({ month, quantity })),
  });
});

test('what is not documented can be left out', () => {
  const item = itemOf(batchBody([pending([['2025-12', '15.5']])], false));
  expect(Object.keys(item)).toEqual([
    'quantity',
    'resourceUri',
    'dimension',
    'effectiveStartTime',
    'planId',
  ]);
});
