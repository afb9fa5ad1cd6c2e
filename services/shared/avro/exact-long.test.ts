import fc from 'fast-check';
import { longBytes } from '../../../test/hostile/raw-event.ts';
import { exactLong } from './exact-long.ts';

const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);

test('any number of 64 bits is read exactly, padded or not', () => {
  const edges = [52n, 53n, 62n].flatMap((n) => [2n ** n, -(2n ** n)]);
  const near = fc
    .tuple(fc.constantFrom(0n, ...edges), fc.bigInt({ min: -8n, max: 8n }))
    .map(([edge, step]) => edge + step);
  const any = fc.bigInt({ min: MIN, max: MAX });
  fc.assert(
    fc.property(fc.oneof(near, any, fc.constantFrom(MIN, MAX)), fc.nat(10), (value, length) => {
      expect(exactLong(longBytes(value, length))).toBe(value);
    }),
    { numRuns: 2_000 },
  );
});

test('what has more than 64 bits is no number', () => {
  const refused = [MAX + 1n, MIN - 1n, 2n ** 100n].map((value) => longBytes(value));
  for (const varint of [...refused, longBytes(0n, 11), longBytes(0n, 1_000_000)]) {
    expect(() => exactLong(varint)).toThrow('more than 64 bits');
  }
});
