import { Differences, type Row } from './differences.ts';

async function* rows(...given: (readonly [string, Row])[]) {
  await Promise.resolve();
  yield* given;
}

const compare = async (
  expected: Readonly<Record<string, Row>>,
  ...actual: (readonly [string, Row])[]
): Promise<readonly string[]> => {
  const differences = new Differences(3);
  await differences.compareAll(new Map(Object.entries(expected)), rows(...actual));
  return differences.list;
};

test('equal rows do not differ, whatever else the stored ones hold', async () => {
  expect(await compare({ a: { n: 1 } }, ['a', { n: 1, other: 2 }])).toEqual([]);
});

test('a missing, an additional, a repeated and another row are told', async () => {
  expect(await compare({ a: { n: 1 } })).toEqual(['a is missing, expected {"n":1}']);
  expect(await compare({}, ['b', { n: 1 }])).toEqual(['b should not be there: {"n":1}']);
  expect(await compare({ a: { n: 1 } }, ['a', { n: 1 }], ['a', { n: 1 }])).toEqual([
    'a is there more than once',
  ]);
  expect(await compare({ a: { n: 1, text: null } }, ['a', { n: 2, text: '' }])).toEqual([
    'a: n is 2, expected 1; text is "", expected null',
  ]);
});

test('beyond the limit differences are only counted', async () => {
  const list = await compare({ a: {}, b: {}, c: {}, d: {}, e: {} });
  expect(list).toHaveLength(4);
  expect(list.at(-1)).toBe('and 2 more');
});
