import { carryInto } from '../../../test/support/bridge/examples.ts';
import type { Quantity } from './decimal.ts';
import { parseUsageCarry, serializeUsageCarry } from './usage-carry.ts';

const AT = { topic: 'usage.events.compute', epoch: 1, partition: 0 };
const carry = carryInto(AT, {
  submissionId: '00000000-0000-4000-8000-00000000000a',
  quantity: 5n as Quantity,
  meters: ['a', 'b'],
  months: [
    { month: '2025-12', quantity: 2n as Quantity },
    { month: '2026-01', quantity: 3n as Quantity },
  ],
});

test('a carry is read as it was written, with months and meters', () => {
  expect(parseUsageCarry(serializeUsageCarry(carry))).toEqual(carry);
});

test.each<[string, object]>([
  ['months that do not add up', { months: { '2025-12': '2' } }],
  ['no quantity', { quantity: '0', months: {} }],
  ['a negative quantity', { quantity: '-1', months: { '2025-12': '-1' } }],
  ['no place where it was composed', { from: undefined }],
  ['a field that nobody knows', { more: 1 }],
])('%s: it is no carry', (_, changes) => {
  const body = { ...(JSON.parse(serializeUsageCarry(carry)) as object), ...changes };
  expect(parseUsageCarry(JSON.stringify(body))).toBeNull();
});
