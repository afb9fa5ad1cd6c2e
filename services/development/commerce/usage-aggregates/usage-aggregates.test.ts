import {
  CommerceServer,
  event,
  SUBSCRIPTION,
  TOKEN,
  URI,
  VM,
  type Answered,
} from '../../../../test/support/commerce-server.ts';
import { FaultQueue } from '../faults/fault-queue.ts';

const PAYER = '7f3c2b9a-61d4-4a8e-9b57-0c1d2e3f4a5b';
const FABRIKAM = 'c0a1e5d2-8b34-4f6a-9d70-1e2f3a4b5c6d';
const REG = 'azurestack-5b2f8a6e-3c1d-4e7f-9a04-6d1c2b3e4f50';

const queue = new FaultQueue();
let server: CommerceServer;

beforeEach(async () => {
  server = await CommerceServer.start({ faultQueue: queue }, { maxAgeMillis: null });
});

afterEach(() => server.stop());

const setClock = async (now: string): Promise<void> => {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const payload = JSON.stringify({ now });
  const answer = await server.ask({ method: 'PUT', url: '/clock', headers, payload });
  expect(answer.status).toBe(200);
};

/** The hour in which the clock of these tests stands, and the next midnight. */
const HOURLY =
  'reportedStartTime=2026-03-10T12:00:00Z&reportedEndTime=2026-03-10T13:00:00Z&aggregationGranularity=Hourly';
const DAILY = 'reportedStartTime=2026-03-10&reportedEndTime=2026-03-11';

const list = (query: string, subscription = PAYER): Promise<Answered> =>
  server.get(
    `/subscriptions/${subscription}/providers/Microsoft.Commerce/UsageAggregates?api-version=2015-06-01-preview&${query}`,
  );

interface Row {
  readonly name: string;
  readonly properties: {
    readonly usageStartTime: string;
    readonly quantity: number;
    readonly instanceData?: string;
  };
}

const rows = async (query: string, subscription = PAYER): Promise<readonly Row[]> => {
  const { status, body } = await list(query, subscription);
  expect(status).toBe(200);
  return (body as { readonly value: readonly Row[] }).value;
};

const at = (time: string, more: object = {}): object => ({
  ...event,
  effectiveStartTime: `${time}:00:00Z`,
  ...more,
});

test('a row has the commerce meter, the region and the stamp’s own names', async () => {
  await server.batch(
    at('2026-03-09T11', {
      quantity: 1.1,
      additionalInfo: {
        'azureStack.SubscriptionId': SUBSCRIPTION,
        'azureStack.MeterId': 'local-meter',
        'azureStack.Location': 'local',
        'azureStack.EventDateTime': '03/09/2026 11:00:00',
      },
    }),
    at('2026-03-09T12', { quantity: 2.2 }),
  );
  await setClock('2026-03-11T00:02:00Z');
  const [row, ...others] = await rows(DAILY);
  expect(others).toEqual([]);
  expect(row).toEqual({
    id: `/subscriptions/${PAYER}/providers/Microsoft.Commerce/UsageAggregates/Daily_BRSDT_20260309_0000`,
    name: 'Daily_BRSDT_20260309_0000',
    type: 'Microsoft.Commerce/UsageAggregate',
    properties: {
      subscriptionId: PAYER,
      usageStartTime: '2026-03-09T00:00:00+00:00',
      usageEndTime: '2026-03-10T00:00:00+00:00',
      meterName: 'Windows VM Size Hours',
      meterCategory: 'Compute',
      meterRegion: 'Azure Stack',
      unit: 'Virtual core hours',
      meterId: VM,
      infoFields: {},
      instanceData: expect.any(String) as string,
      quantity: 3.3,
    },
  });
  expect(JSON.parse(row?.properties.instanceData ?? '')).toEqual({
    'Microsoft.Resources': {
      resourceUri: URI.toLowerCase(),
      location: 'azurestack',
      tags: null,
      additionalInfo: {
        'azureStack.SubscriptionId': SUBSCRIPTION,
        'azureStack.MeterId': 'local-meter',
        'azureStack.Location': 'local',
        'azureStack.EventDateTime': '03/09/2026 11:00:00',
      },
    },
  });
});

test('usage is found by when it was accepted, and grouped by when it was reported to the stamp', async () => {
  await server.batch(at('2026-03-09T11'), at('2026-03-10T12'));
  await setClock('2026-03-10T13:01:00Z');
  await server.batch(at('2026-03-09T12'));
  await setClock('2026-03-10T14:01:00Z');
  const starts = async (query: string) =>
    (await rows(query)).map(({ properties }) => properties.usageStartTime);
  expect(await starts(HOURLY)).toEqual(['2026-03-09T11:00:00+00:00', '2026-03-10T12:00:00+00:00']);
  expect(
    await starts(
      HOURLY.replace('12:00:00Z', '13:00:00Z').replace('13:00:00Z&agg', '14:00:00Z&agg'),
    ),
  ) //
    .toEqual(['2026-03-09T12:00:00+00:00']);
});

test('each subscription sees what is billed to it', async () => {
  await server.batch(at('2026-03-09T11'));
  await server.customers.put(REG, {
    subscriptionId: FABRIKAM,
    tenantId: 't',
    localSubscriptions: [SUBSCRIPTION],
  });
  await server.batch(at('2026-03-09T12', { quantity: 7 }));
  await setClock('2026-03-10T13:01:00Z');
  expect((await rows(HOURLY)).map(({ properties }) => properties.quantity)).toEqual([2]);
  expect((await rows(HOURLY, FABRIKAM.toUpperCase())).map(({ properties }) => properties.quantity)) //
    .toEqual([7]);
  expect(await rows(HOURLY, SUBSCRIPTION)).toEqual([]);
});

test('without details the instances of a meter are one row', async () => {
  await server.batch(
    at('2026-03-09T11'),
    at('2026-03-09T11', { resourceUri: `${URI}2`, quantity: 3 }),
  );
  await setClock('2026-03-10T13:01:00Z');
  expect(await rows(HOURLY)).toHaveLength(2);
  const [row, ...others] = await rows(`${HOURLY}&showDetails=false`);
  expect(others).toEqual([]);
  expect(row?.properties).toMatchObject({ quantity: 5 });
  expect(row?.properties.instanceData).toBeUndefined();
});

test('what is not complete is answered 202, and says when to come again', async () => {
  await setClock('2026-03-10T13:00:10Z');
  expect(await list(HOURLY)).toMatchObject({
    status: 202,
    body: { error: { code: 'ProcessingNotCompleted' } },
    headers: { 'retry-after': '50' },
  });
  await setClock('2026-03-10T13:01:00Z');
  expect((await list(HOURLY)).status).toBe(200);
});

test('a request with a wrong clock is accepted at the right time all the same', async () => {
  queue.add({ kind: 'skew', offsetMillis: -7_200_000, count: 1, on: 'metering' });
  await server.batch(at('2026-03-10T10'));
  await setClock('2026-03-10T13:01:00Z');
  expect(await rows(HOURLY)).toHaveLength(1);
});

test('pages have 1,000 rows, and together every row once', async () => {
  for (let n = 0; n < 2100; n += 25) {
    await server.batch(
      ...Array.from({ length: 25 }, (_, i) =>
        at('2026-03-10T11', { resourceUri: `${URI}-${String(n + i)}`, quantity: n + i + 1 }),
      ),
    );
  }
  await setClock('2026-03-10T13:01:00Z');
  const seen: number[] = [];
  const sizes: number[] = [];
  let next: string | undefined =
    `/subscriptions/${PAYER}/providers/Microsoft.Commerce/usageaggregates?api-version=2015-06-01-preview&${HOURLY}`;
  while (next !== undefined) {
    const { body }: Answered = await server.get(next);
    const page = body as { readonly value: readonly Row[]; readonly nextLink?: string };
    sizes.push(page.value.length);
    seen.push(...page.value.map(({ properties }) => properties.quantity));
    next = page.nextLink?.replace(/^http:\/\/[^/]+/, '');
  }
  expect(sizes).toEqual([1000, 1000, 100]);
  expect(new Set(seen).size).toBe(2100);
});

test.each([
  ['aggregationGranularity=Weekly', 'InvalidAggregationGranularity'],
  ['reportedStartTime=2026-03-10', 'InvalidProperty'],
  [DAILY.replace('2026-03-10', '2026-03-10T01:00:00Z'), 'InvalidProperty'],
  [HOURLY.replace('12:00:00Z', '12:30:00Z'), 'InvalidProperty'],
  [HOURLY.replace('12:00:00Z', '13:00:00Z'), 'InvalidProperty'],
  [HOURLY.replace('T13:00:00Z', 'T15:00:00Z'), 'RequestEndTimeIsInFuture'],
  [`${HOURLY}&showDetails=maybe`, 'InvalidProperty'],
  [`${HOURLY}&continuationToken=bm93aGVyZQ`, 'InvalidProperty'],
  [`${HOURLY}&subscriberId=x`, 'InvalidQueryParameter'],
])('"%s" is refused as %s', async (query, code) => {
  await setClock('2026-03-10T14:00:00Z');
  expect(await list(query)).toMatchObject({ status: 400, body: { error: { code } } });
});

test('a token of another query is refused', async () => {
  await setClock('2026-03-10T14:01:00Z');
  const token = Buffer.from('aaaaaaaaaaaaaaaa.1000').toString('base64url');
  expect((await list(`${HOURLY}&continuationToken=${token}`)).status).toBe(400);
});

test('a subscription must be one, and a version is needed', async () => {
  expect(await list(HOURLY, 'mine')).toMatchObject({
    status: 400,
    body: { error: { code: 'InvalidSubscriptionId' } },
  });
  const url = `/subscriptions/${PAYER}/providers/Microsoft.Commerce/UsageAggregates?${HOURLY}`;
  expect(await server.get(url)).toMatchObject({
    body: { error: { code: 'MissingApiVersionParameter' } },
  });
});
