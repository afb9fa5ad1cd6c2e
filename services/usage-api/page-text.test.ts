import fc from 'fast-check';
import { resourceOf, rowBinaryOf, usageRow, type UsageRow } from '../../test/support/usage-row.ts';
import { addQuantities, formatQuantity, parseQuantity, ZERO } from '../shared/model/decimal.ts';
import type { RowKey } from './continuation-token.ts';
import { pagesOf } from './page-text.ts';
import { StoredRows } from './stored-rows.ts';

const CALLER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';
const PAGE = 2;

const rowsFrom = (first: number, count: number): readonly UsageRow[] =>
  Array.from({ length: count }, (_, n) => usageRow(first + n));

const keyText = (key: RowKey): string =>
  JSON.stringify([key.usageStart, key.subscriptionKey, key.meterKey, key.resourceKey]);

const pages = (rows: readonly UsageRow[], limit: number, pageRows = PAGE) =>
  pagesOf(new StoredRows(rowBinaryOf(rows), limit), null, pageRows, CALLER);

/** One row for each key: the first of its neighbours, with the sum of all of them. */
const addedUp = (rows: readonly UsageRow[]): readonly UsageRow[] => {
  const groups = new Map<string, UsageRow[]>();
  for (const row of rows) {
    groups.set(keyText(row), [...(groups.get(keyText(row)) ?? []), row]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const sum = group.reduce(
      (total, { quantity }) => addQuantities(total, parseQuantity(quantity) ?? ZERO),
      ZERO,
    );
    const usageEnd = Math.max(...group.map((row) => row.usageEnd));
    return [{ ...first, usageEnd, quantity: formatQuantity(sum) }];
  });
};

describe('of rows below the limit, all are in pages, each behind the last row of the one before', () => {
  test.each([
    [0, []],
    [1, ['0']],
    [2, ['0 1']],
    [3, ['0 1', '2']],
    [5, ['0 1', '2 3', '4']],
    [8, ['0 1', '2 3', '4 5', '6 7']],
  ])('%i rows', (count, texts) => {
    const found = pages(rowsFrom(0, count), 9);
    const resources = found.map(({ list }) =>
      (JSON.parse(list.toString()) as ReturnType<typeof resourceOf>[])
        .map(({ properties }) => /"resourceUri":"(\d+)"/.exec(properties.instanceData)?.[1])
        .join(' '),
    );
    expect(resources).toEqual(texts);
    expect(found.map(({ rows }) => rows)).toEqual(texts.map((text) => text.split(' ').length));
    const ends = found.map(({ end }) => end?.resourceKey ?? null);
    expect(ends).toEqual(
      texts.map((_, n) => (n === texts.length - 1 ? null : `0000${String(2 * n + 1)}`)),
    );
    expect(found.map(({ after }) => after?.resourceKey ?? null)).toEqual(
      texts.map((_, n) => (n === 0 ? null : ends[n - 1])),
    );
  });
});

test('at the limit, the last key may go on: the pages before it have a next one, and what fills no page is not told', () => {
  const ends = (count: number) =>
    pages(rowsFrom(0, count), count).map(({ rows, end }) => [rows, end?.resourceKey]);
  expect(ends(5)).toEqual([
    [2, '00001'],
    [2, '00003'],
  ]);
  expect(ends(4)).toEqual([[2, '00001']]);
  expect(ends(2)).toEqual([]);
  // The second of these keys has a row that was not read.
  const cut = [usageRow(0), usageRow(1), usageRow(1), usageRow(1)];
  expect(pages(cut, 4)).toEqual([]);
  expect(pages(cut, 5).map(({ rows, end }) => [rows, end])).toEqual([[2, null]]);
});

const letters = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom(
    '"',
    '\\',
    '\\"',
    '{"a":"b\\\\"}',
    '\u0000',
    '\u007f',
    '\u2028',
    'ä',
    '\u{1F600}',
    '/',
  ),
  fc.nat(40_000).map((length) => 'x'.repeat(length)),
);
const quantity = fc
  .tuple(fc.bigInt({ min: -(10n ** 45n), max: 10n ** 45n }), fc.nat(45))
  .map(([count, digits]) => formatQuantity((count / 10n ** BigInt(digits)) as typeof ZERO));
const seconds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

const row: fc.Arbitrary<UsageRow> = fc.record({
  usageStart: fc.constantFrom(0, 3600, 2 ** 32 - 3600),
  usageEnd: seconds,
  subscriptionKey: fc.constantFrom('', 's', 't'),
  meterKey: fc.constantFrom('', 'm'),
  resourceKey: fc.oneof(fc.constantFrom('', 'a', 'b', 'ab', 'x'.repeat(200)), letters),
  subscriptionId: letters,
  meterId: letters,
  resourceUri: letters,
  location: letters,
  tags: fc.option(letters),
  additionalInfo: fc.option(letters),
  quantity,
});

/** Rows with the same key as neighbours. */
const neighbours = fc
  .array(fc.tuple(row, fc.array(row, { maxLength: 2 })), { maxLength: 8 })
  .map((groups) => {
    const seen = new Set<string>();
    return groups.flatMap(([first, others]) => {
      if (seen.has(keyText(first))) return [];
      seen.add(keyText(first));
      const { usageStart, subscriptionKey, meterKey, resourceKey } = first;
      const key = { usageStart, subscriptionKey, meterKey, resourceKey };
      return [first, ...others.map((other) => ({ ...other, ...key }))];
    });
  });

test('whatever the rows are, pages are the JSON of what is to be told, byte for byte', () => {
  fc.assert(
    fc.property(neighbours, fc.integer({ min: 1, max: 4 }), (rows, pageRows) => {
      const expected = addedUp(rows).map((each) => JSON.stringify(resourceOf(each, CALLER)));
      const found = pages(rows, rows.length + 1, pageRows);
      const lists = found.map(({ list }) => list.toString().slice(1, -1));
      expect(lists.join()).toBe(expected.join());
      expect(
        found.every(({ rows: count }, n) => n === found.length - 1 || count === pageRows),
      ).toBe(true);
    }),
  );
});

test('a page of long texts grows as it must', () => {
  const rows = rowsFrom(0, 60).map((each, n) => ({ ...each, tags: String(n).repeat(20_000) }));
  const list = JSON.stringify(rows.map((each) => resourceOf(each, CALLER)));
  expect(pages(rows, 61, 60)[0]?.list.toString()).toBe(list);
});

test('bytes that are no UTF-8 are told as UTF-8 all the same', () => {
  const bytes = rowBinaryOf([{ ...usageRow(0), location: 'here' }]);
  bytes[bytes.indexOf('here')] = 0xff;
  const list = pagesOf(new StoredRows(bytes, 9), null, PAGE, CALLER)[0]?.list.toString('latin1');
  expect(list).toContain(Buffer.from('\ufffdere').toString('latin1'));
});

test('rows that are cut off are refused', () => {
  const bytes = rowBinaryOf([{ ...usageRow(0), tags: 'x'.repeat(300) }, usageRow(1)]);
  for (let length = 1; length < bytes.length; length++) {
    const isWhole = length === rowBinaryOf([{ ...usageRow(0), tags: 'x'.repeat(300) }]).length;
    const read = () => pagesOf(new StoredRows(bytes.subarray(0, length), 9), null, PAGE, CALLER);
    if (isWhole) expect(read()).toHaveLength(1);
    else expect(read).toThrow(/out of range|outside|end within a row/);
  }
});
