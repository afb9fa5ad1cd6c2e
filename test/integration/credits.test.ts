import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLiveSources } from '../../services/operations/sources/live-sources.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { parseQuantity, type Quantity } from '../../services/shared/model/decimal.ts';
import {
  hourOf,
  isoText,
  millis,
  nextHour,
  type Hour,
  type Millis,
} from '../../services/shared/model/time.ts';
import { recordsOf } from '../support/csv-records.ts';
import {
  allComposed,
  openBillingStack,
  until,
  type BillingStack,
} from '../support/bridge/billing-stack.ts';
import { usagectl } from '../support/service-process.ts';

/** Usage that was billed is taken back: from the log through the real bridge and the real mock to the invoice and the exports. */
const HOUR = 10_000;
const SHORT = { USAGE_HOUR_MILLIS: String(HOUR) };
const SUBSCRIPTION = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';
const METER = '9CD92D4C-BAFD-4492-B278-BEDC2DE8232A';
const RESOURCE = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1`;
const REASON = 'the agent on host 7 counted its own cores';

let stack: BillingStack;
let directory: string;
let environment: Readonly<Record<string, string>>;
let usageHour: Hour;

beforeAll(async () => {
  stack = await openBillingStack();
  directory = await mkdtemp(join(tmpdir(), 'usage-credits-'));
  await openLiveSources(
    stack.tools,
    [{ name: 'compute', namespaces: ['microsoft.compute'], partitions: 1 }],
    { prefix: stack.config.USAGE_TOPIC_PREFIX, hourMillis: HOUR, now: Date.now },
  );
  await stack.startCommerce(SHORT);
  await Promise.all([stack.startAggregator(SHORT), stack.startBridge(SHORT)]);
  environment = { ...stack.environment, ...SHORT, COMMERCE_URL: stack.commerceUrl };
  usageHour = hourOf(millis(Date.now() - HOUR), HOUR);
});

afterAll(async () => {
  await stack.close();
  await rm(directory, { recursive: true, force: true });
});

/** What a command prints that must succeed. */
const run = async (...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await usagectl(args, environment);
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' });
  return stdout;
};

const ask = async (path: string): Promise<string> => {
  const answer = await fetch(`${stack.commerceUrl}${path}`);
  expect(answer.status).toBe(200);
  return answer.text();
};

const exact = (text: string): Quantity => {
  const quantity = parseQuantity(text);
  if (quantity === null) throw new Error(`${text} is no quantity`);
  return quantity;
};

/** The reported hours of the windows of the machine, and what they hold. */
const windows = (): Promise<readonly { readonly hour: string; readonly quantity: string }[]> =>
  queryRows(
    stack.clickHouse,
    `SELECT toString(toUnixTimestamp(reported_hour)) AS hour, toString(h.quantity) AS quantity
     FROM usage_hourly AS h FINAL ORDER BY reported_hour`,
  );

interface Credit {
  readonly submissionId: string;
  readonly resourceUri: string;
  readonly dimension: string;
  readonly quantity: string;
  readonly months: Readonly<Record<string, string>>;
}

const credits = async (): Promise<readonly Credit[]> =>
  JSON.parse(await run('bridge', 'credits', '--json')) as readonly Credit[];

test('what is taken back after it was billed becomes a line of credit on the invoice, and nothing differs', async () => {
  await run(
    ...['emit', '--resource', RESOURCE, '--meter', METER, '--quantity', '48'],
    ...['--from', isoText(usageHour), '--to', isoText(nextHour(usageHour, HOUR))],
  );
  await until(
    () => stack.counts(),
    ({ accepted }) => accepted === 1,
  );
  await allComposed(stack);
  expect(await credits()).toEqual([]);

  await run(
    ...['adjust', '--subscription', SUBSCRIPTION, '--resource', RESOURCE, '--meter', METER],
    ...['--usage-hour', isoText(usageHour), '--quantity', '-12.5', '--reason', REASON, '--yes'],
  );
  const [credit] = await until(credits, (found) => found.length > 0);
  if (!credit) throw new Error('there is no credit');
  expect(credit).toMatchObject({ quantity: '-12.5' });
  expect((await windows()).map(({ quantity }) => quantity)).toEqual(['48', '-12.5']);
  await allComposed(stack);
  expect((await stack.reconcile()).differences).toEqual([]);
  await run('bridge', 'reconcile');

  // Claimed at the desk, word for word as the documents say.
  const [usageMonth = ''] = Object.keys(credit.months);
  const claim = {
    id: credit.submissionId,
    resourceUri: credit.resourceUri,
    dimension: credit.dimension,
    quantity: credit.quantity.replace('-', ''),
    usageMonth,
    reason: REASON,
  };
  const granted = await fetch(`${stack.commerceUrl}/credits`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(claim),
  });
  expect(granted.status).toBe(201);

  const month = isoText(millis(Date.now())).slice(0, 7);
  const csv = (await ask(`/portal/invoice.csv?month=${month}`)).trim().split(/\r?\n/);
  expect(csv.slice(1).map((row) => row.split(',').slice(9))).toEqual([
    ['48', '0.046', '2.208', 'USD', ''],
    ['-12.5', '0.046', '-0.575', 'USD', REASON],
  ]);
  const bill = JSON.parse(await ask(`/portal/bill.json?month=${month}`)) as { cost: string };
  expect(bill.cost).toBe('1.633'); // 35.5 × 0.046
  expect((await stack.reconcile()).differences).toEqual([]);
  await run('bridge', 'reconcile');
});

test.each(['usage', 'focus'] as const)(
  'exports of the adjusted windows in the layout %s have both rows, and add up to what was used',
  async (layout) => {
    const rows = await windows();
    const hours = rows.map(({ hour }) => millis(Number(hour) * 1_000));
    const from = Math.min(...hours) as Millis;
    const to = millis(Math.max(...hours) + HOUR);
    const column = layout === 'usage' ? 'quantity' : 'ConsumedQuantity';
    const write = async (...form: readonly string[]): Promise<string> => {
      const path = join(directory, `${layout}${form.join('')}`);
      await run(
        ...['export', '--from', isoText(from), '--to', isoText(to), '--output', path],
        ...['--layout', layout, ...form],
        ...(layout === 'focus' ? ['--rates', 'samples/rates.json'] : []),
      );
      return path;
    };
    const csv = recordsOf(
      await readFile(await write('--format', 'csv', '--for', 'machines'), 'utf8'),
    );
    expect(csv.map((row) => exact(row[column] ?? ''))).toEqual([exact('48'), exact('-12.5')]);
    const file = await asyncBufferFromFile(
      await write('--format', 'parquet', '--decimals', 'text'),
    );
    const parquet = (await parquetReadObjects({ file })) as Record<string, string>[];
    expect(parquet.map((row) => exact(row[column] ?? ''))).toEqual([exact('48'), exact('-12.5')]);
    if (layout === 'focus') {
      // What is taken back costs what it did cost, below zero.
      const [used, taken] = csv;
      expect(taken).toMatchObject({ ChargeCategory: 'Usage' });
      const [cost, back] = [exact(used?.['BilledCost'] ?? ''), exact(taken?.['BilledCost'] ?? '')];
      expect(cost).toBeGreaterThan(0n);
      expect(back * 480n).toBe(cost * -125n);
    }
  },
);
