import fc from 'fast-check';
import {
  addQuantities,
  isCanonicalDecimal,
  QUANTITY_LIMIT,
  quantityFromBytes,
  quantityToBytes,
  type Quantity,
} from '../../model/decimal.ts';
import { addLimbs, LIMBS, quantityOf, readQuantity, writeQuantity } from './limbs.ts';

/** Values around the borders of words, where a carry goes on, and any others. */
const quantities = fc.oneof(
  fc.bigInt({ min: 0n, max: QUANTITY_LIMIT - 1n }),
  fc
    .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: -2, max: 2 }))
    .map(([word, n]) => BigInt.asUintN(149, (1n << BigInt(32 * word + 32)) + BigInt(n))),
) as fc.Arbitrary<Quantity>;

test('what is read from the shortest form is the quantity', () => {
  fc.assert(
    fc.property(quantities, fc.nat(5), (quantity, at) => {
      const form = quantityToBytes(quantity);
      const into = new Uint32Array(LIMBS).fill(7);
      const bytes = Buffer.concat([Buffer.alloc(at, 0xff), form, Buffer.alloc(3, 0xff)]);
      expect(readQuantity(bytes, at, form.length, into)).toBe(true);
      expect(quantityOf(into)).toBe(quantity);
    }),
  );
});

test('no bytes are taken but the shortest form of 0 up to the limit', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.uint8Array({ minLength: 17, maxLength: 20 }),
    fc
      .constantFrom(QUANTITY_LIMIT - 1n, QUANTITY_LIMIT, QUANTITY_LIMIT + 1n)
      .map((value) => quantityToBytes(value as Quantity)),
    fc.constantFrom(Buffer.from([0, 1]), Buffer.from([0, 0x80]), Buffer.from([0xff]), Buffer.of()),
  );
  fc.assert(
    fc.property(bytes, (given) => {
      const isPlain = readQuantity(Buffer.from(given), 0, given.length, new Uint32Array(LIMBS));
      const value = given.length > 0 ? quantityFromBytes(given) : -1n;
      expect(isPlain).toBe(isCanonicalDecimal(given) && value >= 0n && value < QUANTITY_LIMIT);
    }),
    { numRuns: 2_000 },
  );
});

/** Adjustments may be below zero. */
const signedQuantities = fc
  .tuple(quantities, fc.boolean())
  .map(([quantity, isBelow]) => (isBelow ? 0n - quantity : quantity) as Quantity);

test('a sum carries from word to word, beside other sums, also through zero', () => {
  fc.assert(
    fc.property(fc.array(signedQuantities, { minLength: 1, maxLength: 20 }), (given) => {
      const sums = new Uint32Array(LIMBS * 3);
      const quantity = new Uint32Array(LIMBS);
      for (const each of given) {
        writeQuantity(each, quantity);
        addLimbs(sums, LIMBS, quantity);
      }
      expect(quantityOf(sums, LIMBS)).toBe(given.reduce(addQuantities));
      expect(quantityOf(sums, 0)).toBe(0n);
      expect(quantityOf(sums, 2 * LIMBS)).toBe(0n);
    }),
  );
});
