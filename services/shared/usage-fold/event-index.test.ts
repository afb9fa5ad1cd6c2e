import fc from 'fast-check';
import { hour } from '../../../test/support/fold/fixtures.ts';
import type { Hour } from '../model/time.ts';
import { EventIndex } from './event-index.ts';
import { EventTable } from './event-table.ts';

/** What an empty table takes. */
const SIZE = new EventTable().bytes;

const indexOf = (tables: number, hours: readonly Hour[]): EventIndex => {
  const index = new EventIndex(tables * SIZE);
  for (const at of hours) index.put(at, new EventTable());
  return index;
};

const four = [hour(0), hour(1), hour(2), hour(3)];

test('tables that were used least recently go first', () => {
  const index = indexOf(2, four);
  index.table(hour(0));
  expect(index.evict(new Set())).toBe(true);
  expect(index.missing(four)).toEqual([hour(1), hour(2)]);
});

test('pinned and wanted tables stay, even where the bound cannot be met with them', () => {
  const index = indexOf(1, four);
  index.pin(hour(0));
  index.pin(hour(2));
  expect(index.evict(new Set([hour(1)]))).toBe(false);
  expect(index.missing(four)).toEqual([hour(3)]);
});

test('what the ledger has acknowledged may go', () => {
  const index = indexOf(0, four);
  index.pin(hour(0));
  index.acknowledged();
  expect(index.evict(new Set())).toBe(true);
  expect(index.missing(four)).toEqual(four);
  expect(index.bytes).toBe(0);
});

test('a table begins with room for as many ids as the last one has, unless the bound is small', () => {
  const large = new EventTable();
  for (let n = 0; n < 1_000; n++) large.add(Buffer.from(String(n).padStart(16)), n, 0n);
  const bytesBegun = (maxBytes: number): number => {
    const index = new EventIndex(maxBytes);
    index.put(hour(0), large);
    index.begin(hour(1));
    return index.table(hour(1)).bytes;
  };
  expect(bytesBegun(large.bytes * 9)).toBe(new EventTable(1_000).bytes);
  expect(bytesBegun(large.bytes * 8)).toBe(SIZE);
  expect(new EventTable(1_000).bytes).toBeGreaterThan(SIZE);
});

test('its bytes are those of its tables, also while they grow', () => {
  const index = new EventIndex(Infinity);
  const tables = new Map(four.slice(0, 3).map((at) => [at, new EventTable()]));
  for (const [at, table] of tables) index.put(at, table);
  const idOf = (n: number): Buffer => Buffer.from(String(n).padStart(16));
  for (let n = 0; n < 20_000; n++) {
    tables.get(four[n % 2] ?? hour(0))?.add(idOf(n), n, 0n);
    if (n % 97 !== 0) continue;
    const sum = [...tables.values()].reduce((bytes, table) => bytes + table.bytes, 0);
    expect(index.bytes).toBe(sum);
  }
  index.put(hour(0), new EventTable()); // in the place of a large one
  tables.get(hour(0))?.add(idOf(-1), 0, 0n);
  expect(index.bytes).toBe((tables.get(hour(1))?.bytes ?? 0) + 2 * SIZE);
  index.clear();
  expect(index.bytes).toBe(0);
});

test('each hour is missing once, and a table that was not loaded is not made up', () => {
  const index = indexOf(1, []);
  expect(index.missing([hour(0), hour(1), hour(0)])).toEqual([hour(0), hour(1)]);
  expect(() => index.table(hour(0))).toThrow('were not loaded');
});

test('whatever is done to it, an eviction takes no pinned and no wanted table, and no more than it must', () => {
  const hours = fc.integer({ min: 0, max: 7 }).map((n) => hour(n));
  const steps = fc.array(
    fc.oneof(
      fc.record({ do: fc.constantFrom('put', 'pin', 'use'), at: hours }),
      fc.record({ do: fc.constant('acknowledged' as const) }),
      fc.record({
        do: fc.constant('evict' as const),
        wanted: fc.uniqueArray(hours, { maxLength: 3 }),
      }),
    ),
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 6 }), (given, bound) => {
      const index = new EventIndex(bound * SIZE);
      let present = new Set<Hour>();
      const pinned = new Set<Hour>();
      for (const step of given) {
        if (step.do === 'put') {
          index.put(step.at, new EventTable());
          present.add(step.at);
        }
        if (step.do === 'use' && present.has(step.at)) index.table(step.at);
        if (step.do === 'pin' && present.has(step.at)) {
          index.pin(step.at);
          pinned.add(step.at);
        }
        if (step.do === 'acknowledged') {
          index.acknowledged();
          pinned.clear();
        }
        if (step.do !== 'evict') continue;
        const before = present.size;
        const fits = index.evict(new Set(step.wanted));
        const gone = new Set(index.missing(present));
        for (const at of [...pinned, ...step.wanted]) expect(gone.has(at)).toBe(false);
        present = new Set([...present].filter((at) => !gone.has(at)));
        expect(index.bytes).toBe(present.size * SIZE);
        expect(fits).toBe(present.size <= bound);
        const kept = [...present].filter((at) => !pinned.has(at) && !step.wanted.includes(at));
        if (!fits) expect(kept).toEqual([]);
        if (gone.size > 0) expect(before - gone.size + 1).toBeGreaterThan(bound);
      }
    }),
  );
});
