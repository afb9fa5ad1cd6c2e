import fc from 'fast-check';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse as parseExactly } from 'lossless-json';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import {
  addQuantities,
  formatQuantity,
  parseQuantity,
  ZERO,
  type Quantity,
} from '../../services/shared/model/decimal.ts';
import { asciiLower } from '../../services/shared/model/placement.ts';
import { HOUR_MILLIS, isoText, millis, type Hour } from '../../services/shared/model/time.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';
import { ClickHouseStore } from '../../services/shared/usage-store/clickhouse-store.ts';
import type { UsagePage } from '../../services/usage-api/usage-page.ts';
import type { UsageAggregateResource } from '../../services/usage-api/usage-row.ts';
import { instanceOf } from '../support/instance-of.ts';
import { usagectl } from '../support/service-process.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import {
  closeThrough,
  declareSource,
  get,
  hour,
  insertWindows,
  PATH,
  startApi,
  VERSION,
  type RunningApi,
  type TestWindow,
} from './usage-api-fixture.ts';

/** The API, the command line and the exports against plain SQL, for any windows. */
let stack: TestStack;
let api: RunningApi;
let directory: string;
beforeAll(async () => {
  stack = await openTestStack();
  api = await startApi(stack.clickHouse, { logger: stack.logger, now: Date.now() });
  directory = await mkdtemp(join(tmpdir(), 'usage-everywhere-'));
});
afterAll(async () => {
  await api.close();
  await stack.close();
  await rm(directory, { recursive: true });
});

const SOURCES = 2;
const HOURS = 48;
const SUBSCRIPTIONS = ['1a', '2B'].map((id) => `${id}000000-0000-4000-8000-000000000000`);

/** What a window is made of. */
interface Numbers {
  readonly source: number;
  readonly reported: number;
  readonly late: number;
  readonly subscription: string;
  readonly meter: string;
  readonly resource: string;
  readonly upper: boolean;
  readonly quantity: readonly [whole: number, fraction: bigint];
}

const window: fc.Arbitrary<Numbers> = fc.record({
  source: fc.nat(SOURCES - 1),
  reported: fc.nat(HOURS - 1),
  late: fc.nat(30),
  subscription: fc.constantFrom(...SUBSCRIPTIONS),
  meter: fc.constantFrom('Meter-A', 'meter-b'),
  resource: fc.constantFrom('/vm/One', '/vm/two', '/vm/drei ü'),
  upper: fc.boolean(),
  quantity: fc.tuple(fc.nat(10 ** 9), fc.bigInt({ min: 0n, max: 10n ** 30n - 1n })),
});

const placeOf = (run: number, source: number) => ({
  topic: `usage.history.r${String(run)}s${String(source)}`,
  epoch: 1,
  partition: 0,
});

const store = async (run: number, first: Hour, numbers: readonly Numbers[]): Promise<void> => {
  const { clickHouse } = stack;
  const lastHour = (first + (HOURS - 1) * HOUR_MILLIS) as Hour;
  const windows = numbers.map((each, n): TestWindow => {
    const reportedHour = (first + each.reported * HOUR_MILLIS) as Hour;
    return {
      ...placeOf(run, each.source),
      reportedHour,
      usageHour: (reportedHour - (each.late + 1) * HOUR_MILLIS) as Hour,
      subscriptionId: each.subscription,
      meterId: each.upper ? each.meter.toUpperCase() : each.meter,
      resourceUri: each.resource,
      location: 'local',
      tags: null,
      additionalInfo: null,
      quantity: `${String(each.quantity[0])}.${String(each.quantity[1]).padStart(30, '0')}`,
      firstOffset: n,
      lastOffset: n,
    };
  });
  await insertWindows(clickHouse, windows);
  for (let source = 0; source < SOURCES; source++) {
    const place = placeOf(run, source);
    const declared = await declareSource(clickHouse, {
      topic: place.topic,
      kind: 'history',
      firstHour: first,
      lastHour,
      state: 'sealed',
    });
    const days = new ClickHouseStore(clickHouse);
    await days.rollUpDays({ ...place, source: declared }, first, lastHour);
    await closeThrough(clickHouse, place, (lastHour + HOUR_MILLIS) as Hour, { sealed: true });
  }
};

type Totals = ReadonlyMap<string, Quantity>;

const exact = (text: string): Quantity => {
  const quantity = parseQuantity(text);
  if (quantity === null) throw new Error(`${text} is no quantity`);
  return quantity;
};

const keyOf = (...parts: readonly (string | undefined)[]): string =>
  parts.map((part) => asciiLower(part ?? '?')).join(' ');

const add = (totals: Map<string, Quantity>, key: string, quantity: Quantity): void => {
  totals.set(key, addQuantities(totals.get(key) ?? ZERO, quantity));
};

/** Days are added up from hours: the table of days is checked as well. */
const bySql = async (first: Hour, bucket: 'Hour' | 'Day'): Promise<Totals> => {
  const rows = await queryRows<Record<'at' | 's' | 'm' | 'r' | 'quantity', string>>(
    stack.clickHouse,
    `SELECT formatDateTime(toStartOf${bucket}(usage_hour), '%FT%TZ') AS at, subscription_key AS s, meter_key AS m,
       resource_key AS r, toString(sum(quantity)) AS quantity
     FROM usage_hourly FINAL
     WHERE reported_hour >= toDateTime({from:UInt32}, 'UTC') AND reported_hour < toDateTime({to:UInt32}, 'UTC')
     GROUP BY at, s, m, r`,
    { from: first / 1000, to: (first + HOURS * HOUR_MILLIS) / 1000 },
  );
  return new Map(rows.map(({ at, s, m, r, quantity }) => [keyOf(at, s, m, r), exact(quantity)]));
};

const byApi = async (
  range: readonly [string, string],
  granularity: string,
): Promise<readonly UsageAggregateResource[]> => {
  const [reportedStartTime, reportedEndTime] = range;
  const asked = { reportedStartTime, reportedEndTime, aggregationGranularity: granularity };
  const search = new URLSearchParams({ ...asked, 'api-version': VERSION });
  const rows: UsageAggregateResource[] = [];
  let next: string | undefined = `${api.url}${PATH}?${search.toString()}`;
  while (next !== undefined) {
    const { body }: { readonly body: UsagePage } = await get(next);
    rows.push(...body.value);
    next = body.nextLink;
  }
  return rows;
};

const run = async (...args: readonly string[]): Promise<string> => {
  const environment = { ...stack.environment, USAGE_API_URL: api.url, XDG_CONFIG_HOME: directory };
  const { code, stdout, stderr } = await usagectl(args, environment);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
};

const linesOf = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');

const byExport = async (range: readonly [string, string], granularity: string): Promise<Totals> => {
  const path = join(directory, `${granularity}.ndjson`);
  const span = ['--from', range[0], '--to', range[1], '--granularity', granularity];
  await run('export', ...span, '--format', 'ndjson', '--output', path);
  const totals = new Map<string, Quantity>();
  for (const line of linesOf(await readFile(path, 'utf8'))) {
    const row = parseExactly(line, null, (text) => text) as Readonly<Record<string, string>>;
    const { usageStartTime, subscriptionId, meterId, resourceUri, quantity = '' } = row;
    add(totals, keyOf(usageStartTime, subscriptionId, meterId, resourceUri), exact(quantity));
  }
  await rm(path);
  return totals;
};

test('API, command line and exports give what plain SQL gives, by the hour and by the day', async () => {
  let runs = 0;
  const begin = hour('2024-01-01T00');
  await fc.assert(
    fc.asyncProperty(fc.array(window, { minLength: 1, maxLength: 300 }), async (numbers) => {
      const first = (begin + ++runs * 10 * 24 * HOUR_MILLIS) as Hour;
      await store(runs, first, numbers);
      const range = [isoText(first), isoText(millis(first + HOURS * HOUR_MILLIS))] as const;
      for (const [granularity, bucket] of [
        ['Hourly', 'Hour'],
        ['Daily', 'Day'],
      ] as const) {
        const totals = await bySql(first, bucket);
        const rows = await byApi(range, granularity);
        const fromApi = new Map(
          rows.map((row) => {
            const { usageStartTime, subscriptionId, meterId, quantity } = row.properties;
            const start = isoText(timeOf(usageStartTime));
            return [
              keyOf(start, subscriptionId, meterId, instanceOf(row).resourceUri),
              quantity,
            ] as const;
          }),
        );
        expect(rows).toHaveLength(totals.size);
        // Parsing decimal text gives the nearest double.
        const doubles = [...totals].map(
          ([key, sum]) => [key, Number(formatQuantity(sum))] as const,
        );
        expect(fromApi).toEqual(new Map(doubles));
        const span = ['--reported-start', range[0], '--reported-end', range[1]];
        const asked = [...span, '--granularity', granularity.toLowerCase(), '--output', 'ndjson'];
        const printed = linesOf(await run('usage', 'get', ...asked));
        expect(printed.map((line) => JSON.parse(line) as unknown)).toEqual(rows);
        expect(await byExport(range, granularity.toLowerCase())).toEqual(totals);
      }
    }),
    { numRuns: 3 },
  );
});
