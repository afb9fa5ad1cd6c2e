import { readFileSync } from 'node:fs';
import type { Place } from '../../services/shared/usage-fold/place.ts';
import { ClickHouseStore } from '../../services/shared/usage-store/clickhouse-store.ts';
import {
  addQuantities,
  formatQuantity,
  quantityFromNumber,
  ZERO,
  type Quantity,
} from '../../services/shared/model/decimal.ts';
import { asciiLower, partitionOfKey, resourceKey } from '../../services/shared/model/placement.ts';
import { nextHour, HOUR_MILLIS } from '../../services/shared/model/time.ts';
import { instanceOf } from '../support/instance-of.ts';
import type { UsageAggregateResource } from '../../services/usage-api/usage-row.ts';
import { openTestSignIn, type TestSignIn } from '../support/sign-in.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import {
  closeThrough,
  declareSource,
  get,
  hour,
  hourly,
  insertWindows,
  PATH,
  PROVIDER,
  startApi,
  VERSION,
  type RunningApi,
  type TestWindow,
} from './usage-api-fixture.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';

const REPORTED = hour('2019-12-10T19');
const TOPIC = 'usage.history.recorded';
const PARTITIONS = 4;

const recording = JSON.parse(
  readFileSync(new URL('../../samples/recorded-usage.json', import.meta.url), 'utf8'),
) as { readonly value: readonly UsageAggregateResource[] };

const exact = (quantity: number): Quantity => {
  const value = quantityFromNumber(quantity);
  if (value === null) throw new Error(`${String(quantity)} does not fit`);
  return value;
};

const windowOf = (row: UsageAggregateResource, offset: number): TestWindow => {
  const { resourceUri, location, tags, additionalInfo } = instanceOf(row);
  return {
    topic: TOPIC,
    epoch: 1,
    partition: partitionOfKey(resourceKey(resourceUri), PARTITIONS),
    reportedHour: REPORTED,
    usageHour: timeOf(row.properties.usageStartTime),
    subscriptionId: row.properties.subscriptionId,
    meterId: row.properties.meterId,
    resourceUri,
    location,
    tags,
    additionalInfo,
    quantity: formatQuantity(exact(row.properties.quantity)),
    firstOffset: offset,
    lastOffset: offset,
  };
};

const sorted = <T>(rows: readonly T[]): readonly T[] =>
  rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

let stack: TestStack;
let api: RunningApi;
let signIn: TestSignIn;
let headers: Record<string, string>;

const getSignedIn = (url: string) => get(url, { headers });

beforeAll(async () => {
  stack = await openTestStack();
  signIn = await openTestSignIn();
  headers = await signIn.headersOf('Reader', PROVIDER);
  const { clickHouse, logger } = stack;
  const source = await declareSource(clickHouse, {
    topic: TOPIC,
    kind: 'history',
    partitions: PARTITIONS,
    firstHour: REPORTED,
    lastHour: REPORTED,
    state: 'sealed',
  });
  await insertWindows(clickHouse, recording.value.map(windowOf));
  const store = new ClickHouseStore(clickHouse);
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const place: Place = { topic: TOPIC, epoch: 1, partition, source };
    await store.rollUpDays(place, REPORTED, REPORTED);
    await closeThrough(clickHouse, place, nextHour(REPORTED, HOUR_MILLIS), { sealed: true });
  }
  api = await startApi(clickHouse, { logger, now: Date.UTC(2026, 0, 1), signIn: signIn.signIn });
});

afterAll(async () => {
  await api.close();
  await signIn.close();
  await stack.close();
});

test('the recorded hour comes back as it was recorded', async () => {
  const {
    status,
    headers: its,
    body,
  } = await getSignedIn(api.url + hourly('2019-12-10T19', '2019-12-10T20'));
  expect(status).toBe(200);
  expect(its.get('content-type')).toMatch(/^application\/json/);
  expect(body.value).toHaveLength(79);
  expect(sorted(body.value)).toEqual(sorted(recording.value));
  expect(Object.keys(body)).toEqual(['value']);
});

test.each([
  ['as PowerShell sends it', '.0000000%2B00%3A00'],
  ['as the documentation has it', '%2b00%3a00Z'],
])('a URL %s gets the same', async (_, end) => {
  const { body } = await getSignedIn(
    `${api.url}${PATH}?api-version=${VERSION}&reportedStartTime=2019-12-10T19%3A00%3A00${end}` +
      `&reportedEndTime=2019-12-10T20%3A00%3A00${end}&aggregationGranularity=Hourly`,
  );
  expect(sorted(body.value)).toEqual(sorted(recording.value));
});

test('the recorded day has the sums over its usage hours, each the double nearest to the exact one', async () => {
  const sums = new Map<string, Quantity>();
  const identity = (row: UsageAggregateResource): string =>
    asciiLower(`${row.name} ${instanceOf(row).resourceUri}`);
  for (const row of recording.value) {
    const sum = addQuantities(sums.get(identity(row)) ?? ZERO, exact(row.properties.quantity));
    sums.set(identity(row), sum);
  }
  const { status, body } = await getSignedIn(
    `${api.url}${PATH}?reportedStartTime=2019-12-10T00:00:00Z&reportedEndTime=2019-12-11T00:00:00Z&api-version=${VERSION}`,
  );
  expect(status).toBe(200);
  const quantities = new Map(body.value.map((row) => [identity(row), row.properties.quantity]));
  expect(quantities).toEqual(
    new Map([...sums].map(([key, sum]) => [key, Number(formatQuantity(sum))])),
  );
  expect(body.value).toHaveLength(sums.size);
  for (const { properties } of body.value) {
    expect(properties.usageStartTime).toBe('2019-12-10T00:00:00+00:00');
    expect(properties.usageEndTime).toBe('2019-12-11T00:00:00+00:00');
  }
});

const DOCUMENT = readFileSync(new URL('../../docs/usage-api.md', import.meta.url), 'utf8');

/** The lines for curl: what they say before the address, which tells the token, and the address. */
const DOCUMENTED_LINES = [
  ...DOCUMENT.matchAll(/^(curl .*?)'?https:\/\/127\.0\.0\.1:8080([^'\n]+)'?$/gm),
].map(([, options = '', path = '']) => [path, options] as const);

test.each(DOCUMENTED_LINES)('the documented line works: %s', async (path, options) => {
  const [, subscription = PROVIDER] = /token --subscription ([\da-f-]+)/.exec(options) ?? [];
  const init = options.includes('usagectl token')
    ? { headers: await signIn.headersOf('Reader', subscription) }
    : {};
  const { status, body } = await get<{ value?: unknown[] }>(api.url + path, init);
  expect(status).toBe(200);
  if (path.includes('sageAggregates')) expect(body.value?.length).toBeGreaterThan(0);
});

test('each operation has a documented line', async () => {
  const { body } = await get<{ paths: object }>(`${api.url}/openapi.json`);
  for (const path of Object.keys(body.paths)) {
    const written = path.replace('{subscriptionId}', '[\\da-f-]{36}').replaceAll('.', '\\.');
    const pattern = new RegExp(`^${written}(?:\\?|$)`, 'i');
    expect([path, DOCUMENTED_LINES.some(([line]) => pattern.test(line))]).toEqual([path, true]);
  }
});

test('hours around the recorded one are covered by nothing and empty', async () => {
  for (const [from, to] of [
    ['2019-12-10T18', '2019-12-10T19'],
    ['2019-12-10T20', '2019-12-10T21'],
    ['1900-01-01T00', '1970-01-01T01'],
  ] as const) {
    const { status, body } = await getSignedIn(api.url + hourly(from, to));
    expect([status, body]).toEqual([200, { value: [] }]);
  }
});

test('a range is answered whole, with what covers any part of it', async () => {
  const { body } = await getSignedIn(api.url + hourly('2015-01-01T00', '2020-01-01T00'));
  expect(body.value).toHaveLength(79);
});

test('one subscription gets its own rows, whatever the case of its id', async () => {
  const id = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';
  const own = recording.value.filter(({ properties }) => properties.subscriptionId === id);
  expect(own.length).toBeGreaterThan(0);
  for (const subscriberId of [id, id.toUpperCase()]) {
    const { body } = await getSignedIn(
      api.url + hourly('2019-12-10T19', '2019-12-10T20', { subscriberId }),
    );
    expect(sorted(body.value)).toEqual(sorted(own));
  }
  const { status } = await getSignedIn(
    api.url + hourly('2019-12-10T19', '2019-12-10T20', { subscriberId: id.replace('1d', '2d') }),
  );
  expect(status).toBe(400);
});
