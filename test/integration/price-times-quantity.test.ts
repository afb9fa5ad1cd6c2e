import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

/**
 * What the README and the data dictionary say of prices: a price times the largest windows once
 * came out negative, without an error.
 */
let stack: TestStack;

beforeAll(async () => {
  stack = await openTestStack();
});
afterAll(async () => {
  await stack.close();
});

const product = async (price: string, quantity: string): Promise<string> => {
  const [row] = await queryRows<{ x: string }>(
    stack.clickHouse,
    `SELECT toString(${price} * quantity) AS x
     FROM (SELECT toDecimal256({quantity:String}, 30) AS quantity)`,
    { quantity },
  );
  return row?.x ?? '';
};

test.each([
  ['0.008', '1000000000000000', '8000000000000'],
  [
    '0.008',
    '999999999999999.999999999999999999999999999999',
    '7999999999999.999999999999999999999999999999992',
  ],
  [
    '0.0000000001',
    '0.000000000000000000000000000001',
    '0.0000000000000000000000000000000000000001',
  ],
  ['99999999999.9999999999', '1000000000000000', '99999999999999999999900000'],
  ['-0.008', '1000000000000000', '-8000000000000'],
])("toDecimal256('%s', 10) * %s is exact", async (price, quantity, expected) => {
  // As exact integers: 10 and 30 decimal places make 40.
  expect(await product(`toDecimal256('${price}', 10)`, quantity)).toBe(expected);
});

test('a sum of the largest windows at a price is exact, too', async () => {
  const [row] = await queryRows<{ x: string }>(
    stack.clickHouse,
    `SELECT toString(sum(toDecimal256('0.008', 10) * quantity)) AS x
     FROM (SELECT toDecimal256('1000000000000000.000000000000000000000000000001', 30) AS quantity FROM numbers(1000))`,
  );
  expect(row?.x).toBe('8000000000000000.000000000000000000000000000008');
});

test('a price that is a plain number gives a floating-point result, which is not exact', async () => {
  expect(await product('0.008', '1000000000000000')).not.toBe('8000000000000');
});

test('a price with the scale of the quantity wraps around without an error', async () => {
  expect(await product("toDecimal256('0.008', 30)", '1000000000000000')).toBe('8000000000000');
  expect(await product("toDecimal256('58', 30)", '1000000000000000')).toMatch(/^-/);
});

test("toDecimal128('0.008', 38) * quantity wraps around without an error, and the view's form does not", async () => {
  const largest = '1000000000000000';
  expect(await product("toDecimal128('0.008', 38)", largest)).not.toBe('8000000000000');
  expect(await product("toDecimal128('0.008', 38)", '1000000000000')).not.toBe('8000000000');
  expect(await product("CAST('0.008', 'Decimal(76, 10)')", largest)).toBe('8000000000000');
});

test('the price of the view with costs has the scale of the safe form', async () => {
  const rows = await queryRows<{ name: string; type: string }>(
    stack.clickHouse,
    `SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'usage_costs'
       AND name IN ('unit_price', 'quantity', 'cost') ORDER BY name`,
  );
  expect(rows).toEqual([
    { name: 'cost', type: 'Nullable(Decimal(76, 40))' },
    { name: 'quantity', type: 'Decimal(76, 30)' },
    { name: 'unit_price', type: 'Nullable(Decimal(76, 10))' },
  ]);
});
