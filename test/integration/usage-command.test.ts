import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'lossless-json';
import {
  HOUR_MILLIS,
  hourOf,
  isoText,
  millis,
  type Hour,
} from '../../services/shared/model/time.ts';
import type { UsagePage } from '../../services/usage-api/usage-page.ts';
import { usagectl } from '../support/service-process.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import {
  closeThrough,
  declareSource,
  get,
  hour,
  hourly,
  insertWindows,
  PROVIDER,
  startApi,
  type RunningApi,
  type TestWindow,
} from './usage-api-fixture.ts';

/** A live source from 2025-12-01T00 whose open hour is the hour that it is now. */
const TOPIC = 'usage.events.compute';
const FIRST = hour('2025-12-01T00');
const OPEN = hourOf(millis(Date.now()), HOUR_MILLIS);
const SUBSCRIPTION = '5d3b9a0e-1111-4222-8333-944455556666';
const OTHER = '6d3b9a0e-1111-4222-8333-944455556666';
const RESELLER = '7d3b9a0e-1111-4222-8333-944455556666';
const ROWS = 1_003;

let offset = 1;
const windowOf = (reportedHour: Hour, changes: Partial<TestWindow> = {}): TestWindow => ({
  topic: TOPIC,
  epoch: 1,
  partition: 0,
  reportedHour,
  usageHour: (reportedHour - HOUR_MILLIS) as Hour,
  subscriptionId: SUBSCRIPTION,
  meterId: '9cd92d4c-bafd-4492-b278-bedc2de8232a',
  resourceUri: `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm${String(offset)}`,
  location: 'local',
  tags: null,
  additionalInfo: null,
  quantity: '1.000000000000000000000000000001',
  firstOffset: offset,
  lastOffset: offset++,
  ...changes,
});

let stack: TestStack;
let api: RunningApi;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'usage-command-'));
  stack = await openTestStack();
  const { clickHouse, logger } = stack;
  await declareSource(clickHouse, {
    topic: TOPIC,
    kind: 'live',
    firstHour: FIRST,
    lastHour: null,
    state: 'open',
  });
  await closeThrough(clickHouse, { topic: TOPIC, epoch: 1, partition: 0 }, OPEN);
  await insertWindows(clickHouse, [
    ...Array.from({ length: ROWS }, () => windowOf(FIRST)),
    windowOf(FIRST, { subscriptionId: OTHER, tags: '=HYPERLINK("x")', quantity: '-2' }),
    windowOf(OPEN, { quantity: '5' }),
    windowOf(OPEN, { subscriptionId: OTHER, quantity: '7' }),
  ]);
  api = await startApi(clickHouse, { logger, now: Date.now() });
});

afterAll(async () => {
  await api.close();
  await stack.close();
  rmSync(directory, { recursive: true });
});

const run = (
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ReturnType<typeof usagectl> =>
  usagectl(args, {
    ...stack.environment,
    USAGE_API_URL: api.url,
    XDG_CONFIG_HOME: directory,
    ...environment,
  });

const HOUR = ['--reported-start', '2025-12-01T00:00:00Z', '--reported-end', '2025-12-01T01:00:00Z'];
const getHour = (...args: readonly string[]): ReturnType<typeof usagectl> =>
  run(['usage', 'get', ...HOUR, '--granularity', 'hourly', ...args]);

const fromApi = async (): Promise<readonly unknown[]> => {
  const rows: unknown[] = [];
  let next: string | undefined = api.url + hourly('2025-12-01T00', '2025-12-01T01');
  while (next !== undefined) {
    const { body }: { readonly body: UsagePage } = await get(next);
    rows.push(...body.value);
    next = body.nextLink;
  }
  return rows;
};

const linesOf = (text: string): readonly string[] => text.trimEnd().split('\n');

test('JSON and NDJSON are the rows of the API over all pages, in its order', async () => {
  const rows = await fromApi();
  expect(rows).toHaveLength(ROWS + 1);
  const ndjson = await getHour('--output', 'ndjson');
  expect(ndjson).toMatchObject({ code: 0, stderr: '' });
  expect(linesOf(ndjson.stdout).map((line) => JSON.parse(line) as unknown)).toEqual(rows);
  const json = await getHour('--output', 'json');
  expect(JSON.parse(json.stdout)).toEqual(rows);
});

test('CSV neutralises formulas and has one line for each row', async () => {
  const { stdout } = await getHour('--output', 'csv');
  const lines = linesOf(stdout);
  expect(lines).toHaveLength(ROWS + 2);
  expect(lines.at(-1)).toMatch(/,-2,.*,"'=HYPERLINK\(""x""\)",,false$/);
});

test("Azure's line gives the same table, in any case and cut", async () => {
  const table = await getHour('--subscriber', OTHER);
  expect(table).toMatchObject({ code: 0, stderr: '' });
  expect(table.stdout).toContain('Windows VM Size Hours');
  expect(table.stdout).toMatch(/\n\n1 row\.\n$/);
  const times = ['"2025-12-01T00:00:00Z"', '"2025-12-01T01:00"'].map((text) => text.slice(1, -1));
  for (const names of [
    ['-ReportedStartTime', '-ReportedEndTime', '-AggregationGranularity', '-SubscriberId'],
    ['-reportedstart', '-REPORTEDEND', '-agg', '-sub'],
  ]) {
    const values = [...times, 'Hourly', OTHER];
    const words = names.flatMap((name, at) => [name, values[at] ?? '']);
    expect(await run(['get-usageaggregates', ...words])).toEqual(table);
  }
});

test('a table is cut, and says so', async () => {
  const { stdout } = await getHour();
  expect(stdout).toContain(
    'The first 1,000 rows. There are more: --limit, or --output csv for all.',
  );
});

test('the open hour is shown when asked for, and marked', async () => {
  const closed = await run([
    'usage',
    'get',
    '--output',
    'ndjson',
    '--granularity',
    'hourly',
    ...HOUR,
  ]);
  const both = await run(
    ['usage', 'get', '--output', 'ndjson', '--granularity', 'hourly', '--provisional'].concat(
      HOUR.slice(0, 2),
    ),
  );
  expect(both.stdout.startsWith(closed.stdout)).toBe(true);
  const open = linesOf(both.stdout.slice(closed.stdout.length)).map(
    (line) => parse(line) as { readonly provisional?: boolean },
  );
  expect(open.map(({ provisional }) => provisional)).toEqual([true, true]);
  const alone = await run([
    'usage',
    'get',
    '--granularity',
    'hourly',
    '--provisional',
    '--subscriber',
    OTHER,
  ]);
  expect(alone.stdout).toContain(`PROVISIONAL: reported since ${isoText(OPEN)}, not closed yet.`);
  expect(alone.stdout).toContain('1 row, of which 1 provisional.');
});

test('exact sums of an open hour are shown to the last digit', async () => {
  await insertWindows(stack.clickHouse, [
    windowOf(OPEN, { resourceUri: '/exact', quantity: '0.100000000000000000000000000001' }),
    windowOf(OPEN, { resourceUri: '/EXACT', quantity: '0.2', usageHour: OPEN }),
  ]);
  const { stdout } = await run(['usage', 'get', '--provisional', '--output', 'csv']);
  const day = hourOf(millis(OPEN - HOUR_MILLIS), 24 * HOUR_MILLIS);
  const isOneDay = day === hourOf(OPEN, 24 * HOUR_MILLIS);
  const quantities = linesOf(stdout)
    .filter((line) => /\/exact/i.test(line))
    .map((line) => line.split(',')[6]);
  expect(quantities).toEqual(
    isOneDay ? ['0.300000000000000000000000000001'] : ['0.100000000000000000000000000001', '0.2'],
  );
});

test('profiles say where and as whom, and no token is printed', async () => {
  const token = 'secret.token.value';
  const add = (name: string, ...args: readonly string[]) =>
    run(['profile', 'add', name, '--endpoint', api.url, ...args]);
  expect(await add('op', '--role', 'operator', '--subscription', PROVIDER)).toMatchObject({
    code: 0,
    stderr: '',
  });
  expect(await add('op', '--role', 'tenant', '--subscription', OTHER)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--replace changes it') as string,
  });
  const elsewhere = { USAGE_API_URL: 'http://127.0.0.1:1' };
  const used = await run(
    ['usage', 'get', ...HOUR, '--granularity', 'hourly', '--output', 'csv', '--profile', 'op'],
    elsewhere,
  );
  expect(linesOf(used.stdout)).toHaveLength(ROWS + 2);
  expect(await run(['usage', 'get', ...HOUR, '--profile', 'no'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There is no profile "no"') as string,
  });
  await add(
    'me',
    '--role',
    'tenant',
    '--subscription',
    OTHER,
    '--token-file',
    join(directory, 'token'),
  );
  for (const args of [['list'], ['list', '--json'], ['show', 'me'], ['show', 'me', '--json']]) {
    const { stdout, code } = await run(['profile', ...args]);
    expect(code).toBe(0);
    expect(stdout).toContain('me');
    expect(stdout).not.toContain(token);
  }
  expect(await run(['profile', 'remove', 'me'])).toMatchObject({ code: 0 });
  expect((await run(['profile', 'list'])).stdout).not.toMatch(/^me /m);
});

test.each([
  [['usage', 'get'], '--reported-start is missing'],
  [
    [
      'usage',
      'get',
      '--reported-start',
      '2025-12-01T01:00:00Z',
      '--reported-end',
      '2025-12-01T01:00:00Z',
    ],
    '--reported-end must be after',
  ],
  [
    [
      'usage',
      'get',
      '--reported-start',
      '2025-12-01T00:30:00Z',
      '--reported-end',
      '2025-12-01T01:00:00Z',
      '--granularity',
      'hourly',
    ],
    "InvalidProperty (400): The property 'reportedStartTime'",
  ],
  [
    ['usage', 'get', ...HOUR, '--provisional', '--role', 'tenant', '--subscription', OTHER],
    '--provisional is for the operator',
  ],
  [
    [
      'usage',
      'get',
      '--reported-start',
      '2025-12-01T00:00:00Z',
      '--reported-end',
      '2100-01-01T00:00:00Z',
    ],
    'With --provisional you also get the hours that are still open',
  ],
  [
    ['usage', 'get', '--provisional', '--subscription', OTHER],
    `The calling subscription ${OTHER} has no direct tenants in the directory`,
  ],
  [
    ['usage', 'get', ...HOUR, '--subscription', OTHER, '--granularity', 'hourly'],
    'Name the calling subscription',
  ],
])('usagectl %j says what is wrong and what to do', async (args, said) => {
  const { code, stdout, stderr } = await run(args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(said);
});

test('an API that is not there is said at once, with what to do', async () => {
  const { code, stderr } = await run(['usage', 'get', ...HOUR], {
    USAGE_API_URL: 'http://127.0.0.1:1',
  });
  expect(code).toBe(1);
  expect(stderr).toContain('Start it with "npm start", or set USAGE_API_URL');
});

test('usage that no source covers is not taken for no usage', async () => {
  const { code, stdout, stderr } = await run([
    'usage',
    'get',
    '--reported-start',
    '2019-01-01T00:00:00Z',
    '--reported-end',
    '2019-01-02T00:00:00Z',
  ]);
  expect(code).toBe(0);
  expect(stdout).toContain('No usage was reported in this range.');
  expect(stderr).toContain('No source covers 2019-01-01T00:00:00Z/2019-01-02T00:00:00Z');
});

test('open hours of this machine were shown for a profile of another', async () => {
  const endpoint = 'https://usage.example.com';
  await run(
    ['profile', 'add', 'far', '--endpoint', endpoint, '--role', 'operator'].concat([
      '--subscription',
      PROVIDER,
    ]),
  );
  const { code, stderr } = await run(['usage', 'get', '--provisional', '--profile', 'far']);
  expect(code).toBe(1);
  expect(stderr).toContain("open hours are read from the ClickHouse of this machine's settings");
});

// The last test: it changes whose usage the operator sees.
test('open rows of all tenants were shown, whatever the calling subscription was', async () => {
  await run(['subscriptions', 'add', OTHER, '--provider', RESELLER]);
  const seenBy = async (subscription: string): Promise<readonly string[]> => {
    const args = ['--provisional', '--output', 'ndjson', '--subscription', subscription];
    const { code, stdout, stderr } = await run(['usage', 'get', ...args]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const ids = linesOf(stdout).map((line) => /"subscriptionId":"([^"]*)"/.exec(line)?.[1] ?? line);
    return [...new Set(ids)];
  };
  expect(await seenBy(RESELLER)).toEqual([OTHER]);
  expect(await seenBy(PROVIDER)).toEqual([SUBSCRIPTION]);
});
