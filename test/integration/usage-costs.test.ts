import { chargeback } from '../../services/operations/chargeback/chargeback.ts';
import { exportContext } from '../../services/operations/exports/layouts/export-context.ts';
import { loadRates } from '../../services/operations/rates/load-rates.ts';
import { priceFinder, type RateBook } from '../../services/operations/rates/rate-book.ts';
import { readRates } from '../../services/operations/rates/rate-file.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { decimalText, parseQuantity } from '../../services/shared/model/decimal.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';
import { millis } from '../../services/shared/model/time.ts';
import { readMeterCatalog } from '../../services/shared/meters/meter-catalog.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { storeExportedUsage } from '../support/exported-usage.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

let stack: TestStack;
let book: RateBook;

beforeAll(async () => {
  stack = await openTestStack();
  await storeExportedUsage(stack.clickHouse);
  book = await readRates(inRepository('samples/rates.json'));
  const old = {
    ...book,
    currency: 'EUR',
    rates: book.rates.map((rate) => ({ ...rate, price: 1n })),
  };
  await loadRates(stack.clickHouse, old, 'old.json', Date.UTC(2026, 0, 1));
  await loadRates(stack.clickHouse, book, 'rates.json', Date.UTC(2026, 0, 2));
});
afterAll(() => stack.close());

interface Row {
  readonly hour: number;
  readonly subscription_id: string;
  readonly meter_id: string;
  readonly quantity: string;
  readonly unit_price: string | null;
  readonly cost: string | null;
  readonly currency: string | null;
}

const rowsOfView = (): Promise<readonly Row[]> =>
  queryRows<Row>(
    stack.clickHouse,
    `SELECT toUnixTimestamp(usage_hour) AS hour, subscription_id, meter_id, toString(c.quantity) AS quantity,
       toString(c.unit_price) AS unit_price, toString(c.cost) AS cost, currency FROM usage_costs AS c`,
  );

const units = (text: string | null): bigint | null => (text === null ? null : parseQuantity(text));

test('the view has the price that holds, by the price list that was loaded last, and the exact product', async () => {
  const rows = await rowsOfView();
  expect(rows.length).toBeGreaterThan(80);
  const find = priceFinder(book.rates);
  for (const row of rows) {
    const { contracted } = find(row.meter_id, row.subscription_id, millis(row.hour * 1000));
    expect(row.unit_price).toBe(contracted === null ? null : decimalText(contracted, 10));
    expect(row.currency).toBe(contracted === null ? null : 'USD');
    const cost =
      contracted === null ? null : decimalText(contracted * (units(row.quantity) ?? 0n), 40);
    expect(row.cost).toBe(cost);
  }
  expect(rows.some(({ unit_price }) => unit_price === '0.0414')).toBe(true);
  expect(rows.some(({ unit_price }) => unit_price === null)).toBe(true);
});

test('the charges of all months add up to the costs of the view', async () => {
  const context = exportContext(readMeterCatalog(), [], book);
  if (context.prices === null) throw new Error('there are rates');
  let total = 0n;
  for (const month of ['2019-12', '2020-01']) {
    const found = await chargeback(stack.clickHouse, context, context.prices, {
      month: timeOf(`${month}-01T00:00:00Z`),
      subscriptionKey: null,
      tagName: 'CostCenter',
      toDate: false,
    });
    total += found.cost;
  }
  const [view] = await queryRows<{ cost: string }>(
    stack.clickHouse,
    'SELECT toString(sum(c.cost)) AS cost FROM usage_costs AS c',
  );
  expect(decimalText(total, 40)).toBe(view?.cost);
});
