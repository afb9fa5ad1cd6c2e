import fc from 'fast-check';
import { inPieces } from './client.ts';

test('arrays are put together without loss, and only the last piece or one before a large array is small', () => {
  const sizes = fc.array(
    fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(40_000, 70_000)),
  );
  fc.assert(
    fc.property(sizes, (given) => {
      const arrays = given.map((size, n) => Buffer.alloc(size, n));
      const pieces = [...inPieces(arrays)];
      expect(Buffer.concat(pieces).equals(Buffer.concat(arrays))).toBe(true);
      const small = pieces.filter((piece) => piece.length < 65_536);
      expect(small.length).toBeLessThanOrEqual(
        arrays.filter((each) => each.length >= 65_536).length + 1,
      );
    }),
  );
});
