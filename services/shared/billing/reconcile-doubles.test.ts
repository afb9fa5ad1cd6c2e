import { parseQuantity, ZERO, type Quantity } from '../model/decimal.ts';
import type { Hour } from '../model/time.ts';
import { reconcile, type BillingSides } from './reconcile.ts';

const HOUR = Date.UTC(2026, 0, 10) as Hour;
const exact = (text: string): Quantity => parseQuantity(text) ?? ZERO;

/** One resource's usage of one meter in one hour, as each of the three holds it. */
const sides = (ours: string, held: number): BillingSides => {
  const at = { hour: HOUR, resourceKey: '/a', dimensionKey: 'dim', quantity: exact(ours) };
  return {
    windows: [at],
    submissions: [
      {
        ...at,
        submissionId: 's1',
        outcome: 'accepted',
        reason: '',
        carries: [],
        isCarriedOn: false,
        isLost: false,
      },
    ],
    holdings: [{ hour: HOUR, resourceUri: '/A', dimension: 'DIM', quantity: held }],
  };
};

test.each([
  ['9.1234567890123461', 9.123456789012346],
  ['16.464384784843892844', 16.464384784843894],
  ['0.3', 0.3],
])('a Commerce that keeps doubles does not differ: %s as %d', (ours, held) => {
  const { differences, dimensions } = reconcile(sides(ours, held));
  expect(differences).toEqual([]);
  const quantity = exact(ours);
  expect(dimensions).toMatchObject([
    { dimensionKey: 'dim', windows: quantity, submitted: quantity, accepted: quantity },
  ]);
});

test.each([
  ['0.3', 0.1 + 0.2, '0.30000000000000004'],
  ['0.000000000000000000000000000001', 1.0000000000000002e-30, '0.000000000000000000000000000001'],
])('another double is a difference: %s as %d', (ours, held, shown) => {
  const { differences, dimensions } = reconcile(sides(ours, held));
  expect(differences).toMatchObject([
    { kind: 'wrong-at-commerce', expected: exact(ours), found: exact(shown) },
  ]);
  expect(dimensions).toMatchObject([{ windows: exact(ours), accepted: exact(shown) }]);
});
