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
