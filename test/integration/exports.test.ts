import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse as parseExactly } from 'lossless-json';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { parseQuantity, decimalText } from '../../services/shared/model/decimal.ts';
import { readMeterCatalog } from '../../services/shared/meters/meter-catalog.ts';
import { asciiLower } from '../../services/shared/model/placement.ts';
import { HOUR_MILLIS, type Millis } from '../../services/shared/model/time.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import {
  exportRange,
  type ExportTools,
  type RangeExport,
} from '../../services/operations/exports/export-range.ts';
import type { ExportPlan } from '../../services/operations/exports/export-state.ts';
import { exportContext } from '../../services/operations/exports/layouts/export-context.ts';
import { readRates } from '../../services/operations/rates/rate-file.ts';
import { recordsOf, type Exact } from '../support/csv-records.ts';
import { EXPORTED, storeExportedUsage } from '../support/exported-usage.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import { get, hourly, startApi } from './usage-api-fixture.ts';

let stack: TestStack;
let directory: string;
let tools: ExportTools;

beforeAll(async () => {
  stack = await openTestStack();
  directory = await mkdtemp(join(tmpdir(), 'usage-exports-'));
  await storeExportedUsage(stack.clickHouse);
  tools = {
    client: stack.clickHouse,
    context: exportContext(
      readMeterCatalog(),
      [],
      await readRates(inRepository('samples/rates.json')),
    ),
    hourMillis: HOUR_MILLIS,
    onRows: () => undefined,
  };
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  await stack.close();
});

const PLAN: ExportPlan = {
  format: 'ndjson',
  layout: 'usage',
  reader: 'machines',
  decimals: '76',
  granularity: 'hourly',
  subscriptionKey: null,
};

const written = async (
  change: Partial<ExportPlan>,
  { from, to }: { readonly from: Millis; readonly to: Millis } = EXPORTED,
): Promise<RangeExport & { readonly path: string }> => {
  const plan = { ...PLAN, ...change };
  const path = join(directory, `${Object.values(plan).join('-')}.${plan.format}`);
  return { ...(await exportRange(tools, plan, { from, to }, path)), path };
};

/** Numbers as their text. */
const linesOf = async (path: string): Promise<readonly Exact[]> =>
  (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => parseExactly(line, null, (text) => text) as Exact);

const exact = (text: string | null | undefined): bigint => {
  const value = parseQuantity(text ?? '');
  if (value === null) throw new Error(`${String(text)} is no quantity`);
  return value;
};

/** The totals of everything, by subscription and meter, straight from the tables. */
const plainSums = async (table: string): Promise<ReadonlyMap<string, string>> => {
  const rows = await queryRows<{ key: string; quantity: string }>(
    stack.clickHouse,
    `SELECT concat(subscription_key, ' ', meter_key) AS key, toString(sum(quantity)) AS quantity FROM ${table} FINAL GROUP BY key ORDER BY key`,
  );
  return new Map(rows.map(({ key, quantity }) => [key, decimalText(exact(quantity), 30)]));
};

const sumsOf = (
  rows: readonly Exact[],
  names: readonly [subscription: string, meter: string, quantity: string],
): ReadonlyMap<string, string> => {
  const sums = new Map<string, bigint>();
  for (const row of rows) {
    const [subscription, meter, quantity] = names.map((name) => row[name] ?? '');
    const key = asciiLower(`${subscription ?? ''} ${meter ?? ''}`);
    sums.set(key, (sums.get(key) ?? 0n) + exact(quantity));
  }
  return new Map([...sums].sort().map(([key, sum]) => [key, decimalText(sum, 30)]));
};

const NAMES = {
  usage: ['subscriptionId', 'meterId', 'quantity'],
  focus: ['SubAccountId', 'x_MeterId', 'ConsumedQuantity'],
} as const;

describe.each(['hourly', 'daily'] as const)('%s', (granularity) => {
  const range =
    granularity === 'hourly' ? EXPORTED : { from: EXPORTED.dayFrom, to: EXPORTED.dayTo };

  test.each(['usage', 'focus'] as const)(
    'CSV, NDJSON and Parquet of the layout %s have the sums of plain SQL',
    async (layout) => {
      const sums = await plainSums(`usage_${granularity}`);
      const ndjson = await written({ layout, granularity }, range);
      const rows = await linesOf(ndjson.path);
      expect(rows).toHaveLength(ndjson.tally.rows);
      expect(sumsOf(rows, NAMES[layout])).toEqual(sums);
      const csv = await written({ layout, granularity, format: 'csv' }, range);
      expect(sumsOf(recordsOf(await readFile(csv.path, 'utf8')), NAMES[layout])).toEqual(sums);
      const parquet = await written({ layout, granularity, format: 'parquet' }, range);
      const file = await asyncBufferFromFile(parquet.path);
      expect(await parquetReadObjects({ file })).toHaveLength(rows.length);
    },
  );

  test("Azure Stack's layout has one row where the API has one for the whole range", async () => {
    const { path } = await written({ layout: 'azure-stack', granularity, format: 'csv' }, range);
    const rows = recordsOf(await readFile(path, 'utf8'));
    const [plain] = await queryRows<{ rows: number; quantity: string }>(
      stack.clickHouse,
      `SELECT toUInt32(count()) AS rows, toString(sum(q)) AS quantity FROM (SELECT sum(quantity) AS q FROM usage_${granularity} FINAL
       GROUP BY usage_${granularity === 'hourly' ? 'hour' : 'day'}, subscription_key, meter_key, resource_key)`,
    );
    expect(rows).toHaveLength(plain?.rows ?? -1);
    const total = rows.reduce((sum, row) => sum + exact(row['Quantity']), 0n);
    expect(total).toBe(exact(plain?.quantity));
    expect(Object.keys(rows[0] ?? {})).toEqual(
      'UsageStartTime UsageEndTime MeterName Quantity resourceType location resourceGroup resourceName subowner tags MeterId additionalInfo subscription resourceUri'.split(
        ' ',
      ),
    );
  });
});

test('each reported hour has the rows of the usage API, with the doubles nearest to the exact quantities', async () => {
  const api = await startApi(stack.clickHouse, {
    logger: stack.logger,
    now: Date.UTC(2026, 0, 1),
  });
  try {
    for (let n = 0; n < 4; n++) {
      const from = (EXPORTED.from + n * HOUR_MILLIS) as Millis;
      const texts = [from, from + HOUR_MILLIS].map(
        (at) => new Date(at).toISOString().slice(0, 13), // eslint-disable-line no-restricted-syntax -- a text for the API
      );
      const { body } = await get(api.url + hourly(texts[0] ?? '', texts[1] ?? ''));
      const { path } = await written({}, { from, to: (from + HOUR_MILLIS) as Millis });
      const rows = (await linesOf(path)).map((row) => [
        row['subscriptionId'],
        row['meterId'],
        row['usageStartTime']?.replace('Z', '+00:00'),
        Number(row['quantity']),
        row['resourceUri'],
        row['tags'],
      ]);
      expect(rows).toEqual(
        body.value.map(({ properties: each }) => {
          const { 'Microsoft.Resources': instance } = JSON.parse(each.instanceData) as {
            'Microsoft.Resources': { resourceUri: string; tags: string | null };
          };
          const { subscriptionId, meterId, usageStartTime, quantity } = each;
          return [
            subscriptionId,
            meterId,
            usageStartTime,
            quantity,
            instance.resourceUri,
            instance.tags,
          ];
        }),
      );
    }
  } finally {
    await api.close();
  }
});

test('price × quantity equals cost in every row, to the last digit', async () => {
  const rows = await linesOf((await written({})).path);
  const rated = rows.filter(({ unitPrice }) => unitPrice !== null);
  expect(rated.length).toBeGreaterThan(70);
  for (const { unitPrice, quantity, cost } of rated) {
    expect(cost).toBe(decimalText(exact(unitPrice) * exact(quantity), 60));
  }
  const focus = await linesOf((await written({ layout: 'focus' })).path);
  for (const row of focus) {
    const { ListUnitPrice, ContractedUnitPrice, PricingQuantity } = row;
    const list = decimalText(exact(ListUnitPrice) * exact(PricingQuantity), 60);
    const contracted = decimalText(exact(ContractedUnitPrice) * exact(PricingQuantity), 60);
    expect(row).toMatchObject({
      ListCost: list,
      ContractedCost: contracted,
      BilledCost: contracted,
      EffectiveCost: contracted,
    });
  }
});

test('usage that was reported in a later month is a correction in the bill of that month', async () => {
  const focus = await linesOf((await written({ layout: 'focus' })).path);
  const late = focus.filter(({ ChargeClass }) => ChargeClass === 'Correction');
  expect(late.length).toBeGreaterThan(1);
  for (const row of focus) {
    const isLate =
      (row['ChargePeriodStart'] ?? '') < '2020' &&
      row['BillingPeriodStart'] === '2020-01-01T00:00:00Z';
    expect(row['ChargeClass']).toBe(isLate ? 'Correction' : null);
  }
});

test('texts of others are neutralised for people and byte-exact for machines', async () => {
  const own = { layout: 'usage', format: 'csv' } as const;
  const machines = recordsOf(await readFile((await written(own)).path, 'utf8'));
  const text = await readFile((await written({ ...own, reader: 'people' })).path, 'utf8');
  const people = recordsOf(text.slice(1));
  const at = machines.findIndex(({ location }) => location === '@SUM(A1)');
  expect(machines[at]).toMatchObject({
    tags: '{"=1+1":"-2","CostCenter":"42","empty":""}',
    additionalInfo: '=HYPERLINK("http://x")',
  });
  expect(people[at]).toMatchObject({
    location: "'@SUM(A1)",
    additionalInfo: `'=HYPERLINK("http://x")`,
    quantity: '24',
  });
});

test('a range that is still being processed is refused, and leaves no file', async () => {
  const { clickHouse } = stack;
  await clickHouse.command({
    query: `INSERT INTO sources (topic, epoch, kind, partitions, first_hour, last_hour, hour_millis, predecessor, state, billable, namespaces, origin, revision)
            VALUES ('usage.events.x', 1, 'live', 1, '2021-01-01 00:00:00', NULL, 3600000, NULL, 'open', false, ['*'], 'live', 1)`,
  });
  const from = Date.UTC(2021, 0, 1) as Millis;
  const path = join(directory, 'open.ndjson');
  await expect(
    exportRange(tools, PLAN, { from, to: (from + HOUR_MILLIS) as Millis }, path),
  ).rejects.toThrow(/from 2021-01-01T00:00:00Z is still being processed/);
  expect((await readdir(directory)).filter((name) => name.startsWith('open'))).toEqual([]);
});
