import fc from 'fast-check';
import { EventTable } from './event-table.ts';

const idOf = (n: number): Buffer => {
  const id = Buffer.alloc(16);
  id.writeUInt32BE(n >>> 0, 12);
  return id;
};

/** Ids that differ in one word alone meet in few slots; ids of all ones and zeros are ids too. */
const ids = fc.oneof(
  fc.integer({ min: 0, max: 40 }).map(idOf),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc.constantFrom(Buffer.alloc(16), Buffer.alloc(16, 0xff)),
);

const additions = fc.array(
  fc.record({
    id: ids,
    offset: fc.oneof(
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 2 ** 40, max: 2 ** 53 - 1 }),
    ),
    digest: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  }),
  { maxLength: 300, size: 'max' },
);

test('a table is a map in which the lowest offset of an id stays', () => {
  fc.assert(
    fc.property(additions, ids, fc.nat(300), (given, stranger, expected) => {
      const table = new EventTable(expected);
      const map = new Map<string, { offset: number; digest: bigint }>();
      for (const { id, offset, digest } of given) {
        table.add(id, offset, digest);
        const key = Buffer.from(id).toString('hex');
        const present = map.get(key);
        if (!present || offset < present.offset) map.set(key, { offset, digest });
      }
      const found = [...map].filter(([key, seen]) => {
        const held = table.find(Buffer.from(key, 'hex'));
        return held?.offset !== seen.offset || held.digest !== seen.digest;
      });
      expect(found).toEqual([]);
      expect(table.size).toBe(map.size);
      expect(table.find(stranger)).toEqual(map.get(Buffer.from(stranger).toString('hex')) ?? null);
    }),
  );
});
