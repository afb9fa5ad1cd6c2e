import fc from 'fast-check';
import {
  addQuantities,
  formatQuantity,
  isCanonicalDecimal,
  parseQuantity,
  QUANTITY_LIMIT,
  quantityFromBytes,
  quantityFromNumber,
  quantityToBytes,
  quantityToNumber,
  roundedText,
  ZERO,
  type Quantity,
} from './decimal.ts';

const quantities = fc.bigInt({
  min: -(2n ** 255n),
  max: 2n ** 255n - 1n,
}) as fc.Arbitrary<Quantity>;

/** The definition, bit by bit: the fewest bytes whose range holds the value. */
const shortestLength = (value: bigint): number => {
  let length = 1;
  while (BigInt.asIntN(length * 8, value) !== value) length++;
  return length;
};

describe('decimal text', () => {
  test.each([
    ['0', 0n],
    ['-0', 0n],
    ['0e9999', 0n],
    ['2', 2n * 10n ** 30n],
    ['1.25e-12', 1_250_000_000_000_000_000n],
    ['8.381903171539307e-08', 83_819_031_715_393_070_000_000n],
    ['-0.5', -(5n * 10n ** 29n)],
    ['1E3', 10n ** 33n],
    ['1e+3', 10n ** 33n],
    ['0.000000000000000000000000000001', 1n],
    ['1.0000000000000000000000000000000000', 10n ** 30n],
  ])('reads %s exactly', (text, expected) => {
    expect(parseQuantity(text)).toBe(expected);
  });

  test.each(['', ' 1', '1 ', '1.', '.5', '+1', '0x1', 'NaN', 'Infinity', '1e', '1,5', '1e99999'])(
    'refuses "%s", which is no decimal',
    (text) => {
      expect(parseQuantity(text)).toBeNull();
    },
  );

  test.each(['1e-31', '0.0000000000000000000000000000001', '1.5e-30'])(
    'refuses %s, which has a digit beyond the 30th place',
    (text) => {
      expect(parseQuantity(text)).toBeNull();
    },
  );

  test('refuses an exponent that would make a number too long to compute with', () => {
    expect(parseQuantity('1e9999')).toBeNull();
  });

  test.each([
    [0n, '0'],
    [1n, '0.000000000000000000000000000001'],
    [-(15n * 10n ** 29n), '-1.5'],
    [10n ** 31n, '10'],
    [QUANTITY_LIMIT - 1n, '999999999999999.999999999999999999999999999999'],
  ])('writes %s as %s', (value, text) => {
    expect(formatQuantity(value as Quantity)).toBe(text);
  });

  test('reads what it has written', () => {
    fc.assert(
      fc.property(quantities, (quantity) => {
        expect(parseQuantity(formatQuantity(quantity))).toBe(quantity);
      }),
    );
  });

  test('a double that fits comes back as the same double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (double) => {
        const quantity = quantityFromNumber(double);
        fc.pre(quantity !== null);
        expect(quantityToNumber(quantity)).toBe(double === 0 ? 0 : double);
      }),
    );
  });
});

describe('decimal bytes', () => {
  test.each([
    [0n, '00'],
    [1n, '01'],
    [-1n, 'ff'],
    [127n, '7f'],
    [128n, '0080'],
    [-128n, '80'],
    [-129n, 'ff7f'],
    [255n, '00ff'],
    [256n, '0100'],
    [0x800n, '0800'],
    [-256n, 'ff00'],
    [2n ** 255n - 1n, `7f${'ff'.repeat(31)}`],
    [-(2n ** 255n), `80${'00'.repeat(31)}`],
  ])('%s is %s in the shortest two’s complement', (value, hex) => {
    expect(quantityToBytes(value as Quantity).toString('hex')).toBe(hex);
  });

  test('are the shortest that hold the value, and give it back', () => {
    fc.assert(
      fc.property(quantities, (quantity) => {
        const bytes = quantityToBytes(quantity);
        expect(bytes).toHaveLength(shortestLength(quantity));
        expect(isCanonicalDecimal(bytes)).toBe(true);
        expect(quantityFromBytes(bytes)).toBe(quantity);
      }),
      { numRuns: 1000 },
    );
  });

  test('only one form of a value is canonical', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 32 }), (bytes) => {
        const shortest = quantityToBytes(quantityFromBytes(bytes));
        expect(isCanonicalDecimal(bytes)).toBe(shortest.equals(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['no byte', ''],
    ['33 bytes', `01${'00'.repeat(32)}`],
    ['a zero too many', '0001'],
    ['a sign byte too many', 'ffff'],
    ['a sign byte too many before a zero', '0000'],
  ])('%s is not canonical', (_, hex) => {
    expect(isCanonicalDecimal(Buffer.from(hex, 'hex'))).toBe(false);
  });

  test('are read from a view into a larger buffer', () => {
    const view = Uint8Array.from([0xff, 0xff, 0x2a, 0xff]).subarray(2, 3);
    expect(quantityFromBytes(view)).toBe(42n);
  });
});

test('sums are exact where doubles are not', () => {
  const tenths = Array.from({ length: 10 }, () => parseQuantity('0.1') ?? ZERO);
  expect(formatQuantity(tenths.reduce(addQuantities, ZERO))).toBe('1');
});

describe('for people', () => {
  test.each([
    [0n, 2, '0.00'],
    [5n, 2, '0.01'],
    [4n, 2, '0.00'],
    [-5n, 2, '-0.01'],
    [-4n, 2, '0.00'],
    [1_234_567_895n, 2, '1,234,567.90'],
    [999_500n, 0, '1,000'],
    [1_234_567_000n, 0, '1,234,567'],
  ])('%d thousandths, rounded to %d places, are %s', (count, places, text) => {
    expect(roundedText(count, 3, places)).toBe(text);
  });
});
