import fc from 'fast-check';
import type { Hour } from '../model/time.ts';
import { EventTable } from '../usage-fold/event-table.ts';
import { IdRows } from './id-rows.ts';

const HOURS = [3_600_000, 7_200_000, 10_800_000] as const;

interface Row {
  readonly hour: number;
  readonly id: Buffer;
  readonly offset: number;
  readonly digest: bigint;
}

const rows = fc.array(
  fc.record({
    hour: fc.constantFrom(...HOURS),
    // Few of them, so that some come again with another offset.
    id: fc.constantFrom(
      ...Array.from({ length: 6 }, (_, n) => Buffer.alloc(16, `${String(n)}abcdefg9876543`)),
    ),
    offset: fc.oneof(fc.constant(-2), fc.nat(), fc.integer({ min: 2 ** 40, max: 2 ** 52 })),
    digest: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  }),
);

/** As ClickHouse writes it: DateTime, UUID, Int64 and UInt64. */
const encode = ({ hour, id, offset, digest }: Row): Buffer => {
  const bytes = Buffer.alloc(36);
  bytes.writeUInt32LE(hour / 1000, 0);
  bytes.writeBigUInt64LE(id.readBigUInt64BE(0), 4);
  bytes.writeBigUInt64LE(id.readBigUInt64BE(8), 12);
  bytes.writeBigInt64LE(BigInt(offset), 20);
  bytes.writeBigUInt64LE(digest, 28);
  return bytes;
};

test('ids come to the same tables, wherever their bytes are cut', () => {
  fc.assert(
    fc.property(rows, fc.array(fc.nat({ max: 100 })), (given, sizes) => {
      const asked = HOURS.slice(0, 2); // one hour was not asked for
      const tables = new Map(asked.map((hour) => [hour as number as Hour, new EventTable()]));
      const expected = new Map(asked.map((hour) => [hour as number, new EventTable()]));
      for (const { hour, id, offset, digest } of given) {
        expected.get(hour)?.add(id, offset, digest);
      }
      const read = new IdRows(tables);
      const bytes = Buffer.concat(given.map(encode));
      let at = 0;
      for (const size of sizes) {
        read.take(bytes.subarray(at, at + size));
        at = Math.min(bytes.length, at + size);
      }
      read.take(bytes.subarray(at));
      read.end();
      for (const [hour, table] of tables) {
        expect(table.size).toBe(expected.get(hour)?.size);
        for (const { id } of given) expect(table.find(id)).toEqual(expected.get(hour)?.find(id));
      }
    }),
  );
});

test('ids that end within a row are not all of them', () => {
  const read = new IdRows(new Map());
  read.take(Buffer.alloc(36 + 35));
  expect(() => read.end()).toThrow('within a row');
});
