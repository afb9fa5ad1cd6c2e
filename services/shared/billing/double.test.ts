import fc from 'fast-check';
import { formatQuantity, parseQuantity, type Quantity } from '../model/decimal.ts';
import { doubleText, isSameDouble, quantityFromDouble } from './double.ts';

const exact = (text: string): Quantity => {
  const quantity = parseQuantity(text);
  if (quantity === null) throw new Error(`${text} is no quantity`);
  return quantity;
};

test.each([
  ['9.1234567890123461', '9.123456789012346'],
  ['16.464384784843892844', '16.464384784843894'], // two hours' sum that is no double
  ['0.1', '0.1000000000000000055'],
  ['0.000000000000000000000000000001', '1e-30'],
  ['123456789012345.123456789012345678901234567891', '123456789012345.12'],
])('%s and %s are the same double', (ours, answered) => {
  expect(isSameDouble(exact(ours), Number(answered))).toBe(true);
});

test.each([
  ['9.1234567890123461', '9.123456789012348'], // the next double
  ['0.3', '0.30000000000000004'],
  ['0.000000000000000000000000000001', '1.0000000000000002e-30'],
  ['1', '0'],
  ['1', '-1'],
])('%s and %s are different doubles', (ours, answered) => {
  expect(isSameDouble(exact(ours), Number(answered))).toBe(false);
});

test('the double of any quantity is kept exactly within 30 places', () => {
  fc.assert(
    fc.property(fc.bigInt(1n, 10n ** 75n), fc.integer({ min: 0, max: 74 }), (digits, cut) => {
      const ours = (digits / 10n ** BigInt(cut) + 1n) as Quantity;
      const held = Number(formatQuantity(ours));
      const stored = quantityFromDouble(held);
      expect(Number(formatQuantity(stored))).toBe(held);
      expect(isSameDouble(ours, held)).toBe(true);
      expect(isSameDouble(stored, held)).toBe(true);
    }),
  );
});

test('a double that no quantity of ours has is told all the same', () => {
  expect(formatQuantity(quantityFromDouble(1.6e-30))).toBe('0.000000000000000000000000000002');
  expect(quantityFromDouble(1e-40)).toBe(0n);
  expect(quantityFromDouble(1e300)).toBe(10n ** 330n);
  expect(doubleText(1e-40)).toBe('1e-40');
  expect(doubleText(1e-7)).toBe('0.0000001');
  expect(doubleText(1e21)).toBe('1000000000000000000000');
});

test.each([NaN, Infinity])('%d is no quantity that anybody could hold', (value) => {
  expect(() => quantityFromDouble(value)).toThrow('is no finite number');
  expect(doubleText(value)).toBe(String(value));
});
