import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageManagementClient as HybridClient } from '@azure/arm-commerce-profile-2020-09-01-hybrid';
import { UsageManagementClient } from '@azure/arm-commerce';
import { localCertificates } from '../../services/development/local/certificates.ts';
import { fail } from '../../services/shared/model/result.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/model/time.ts';
import { ClickHouseStore } from '../../services/shared/usage-store/clickhouse-store.ts';
import type { ApiError } from '../../services/usage-api/api-error.ts';
import { callerBy, type CallerOf } from '../../services/usage-api/caller.ts';
import { openTestSignIn, type TestSignIn } from '../support/sign-in.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import { NO_DIRECTORY } from '../support/usage-callers.ts';
import {
  closeThrough,
  declareSource,
  hour,
  insertWindows,
  PROVIDER,
  startApi,
  type RunningApi,
} from './usage-api-fixture.ts';

/**
 * Microsoft's own clients at the tenant API. The hybrid one follows links as they are, tries 429 and 503
 * again, takes 202 for an error, and sends a token over HTTPS only. The other one puts its own parameters
 * over those of a link, and trusts no certificate of ours.
 */
const TENANT = '5d3b9a0e-1111-4222-8333-944455556666';
const FIRST = hour('2025-12-01T00');
/** The clients take dates. */
// eslint-disable-next-line no-restricted-syntax -- the type of their parameters
const dateOf = (at: number): Date => new Date(at);

const START = dateOf(FIRST);
const HOUR_END = dateOf(FIRST + HOUR_MILLIS);
const DAY_END = dateOf(FIRST + 24 * HOUR_MILLIS);
const ROWS = 2_100;

let signIn: TestSignIn;

const CREDENTIAL = {
  getToken: async () => {
    const { authorization = '' } = await signIn.headersOf('Reader', TENANT);
    const token = authorization.replace('Bearer ', '');
    return { token, expiresOnTimestamp: Date.UTC(2100, 0, 1) };
  },
};

let stack: TestStack;
let api: RunningApi;
let secureApi: RunningApi;
let directory: string;
let ca: string;

/** What the API answers to the next calls, before it goes on as usual. */
const troubles: ApiError[] = [];
const callerOf: CallerOf = (request) => {
  const trouble = troubles.shift();
  if (trouble !== undefined) return Promise.resolve(fail(trouble));
  return callerBy({ signIn: signIn.signIn, directory: NO_DIRECTORY, provider: PROVIDER })(request);
};

beforeAll(async () => {
  stack = await openTestStack();
  signIn = await openTestSignIn();
  const { clickHouse, logger } = stack;
  const topic = 'usage.history.clients';
  const place = { topic, epoch: 1, partition: 0 };
  const lastHour = (FIRST + 23 * HOUR_MILLIS) as Hour;
  const source = await declareSource(clickHouse, {
    topic,
    kind: 'history',
    firstHour: FIRST,
    lastHour,
    state: 'sealed',
  });
  await insertWindows(
    clickHouse,
    Array.from({ length: ROWS }, (_, n) => ({
      ...place,
      reportedHour: FIRST,
      usageHour: (FIRST - HOUR_MILLIS) as Hour,
      // The last rows are somebody else's.
      subscriptionId: n < ROWS - 50 ? TENANT : TENANT.replace('5d', '6d'),
      meterId: 'METER',
      resourceUri: `/subscriptions/x/vm${String(n)}`,
      location: 'local',
      tags: null,
      additionalInfo: null,
      quantity: '0.5',
      firstOffset: n,
      lastOffset: n,
    })),
  );
  await new ClickHouseStore(clickHouse).rollUpDays({ ...place, source }, FIRST, lastHour);
  await closeThrough(clickHouse, place, (lastHour + HOUR_MILLIS) as Hour, { sealed: true });
  // A live source that has closed nothing.
  await declareSource(clickHouse, {
    topic: 'usage.events.open',
    kind: 'live',
    firstHour: (lastHour + HOUR_MILLIS) as Hour,
    lastHour: null,
    state: 'open',
  });
  directory = await mkdtemp(join(tmpdir(), 'microsoft-clients-'));
  const files = await localCertificates(directory);
  ca = await readFile(files.ca, 'utf8');
  const tls = { cert: await readFile(files.certificate), key: await readFile(files.key) };
  const options = { logger, now: FIRST + 100 * HOUR_MILLIS, callerOf };
  secureApi = await startApi(clickHouse, { ...options, tls });
  api = await startApi(clickHouse, options);
});

afterAll(async () => {
  await secureApi.close();
  await api.close();
  await stack.close();
  await signIn.close();
  await rm(directory, { recursive: true });
});

const hybrid = (subscription = TENANT): HybridClient =>
  new HybridClient(CREDENTIAL, subscription, {
    endpoint: secureApi.url,
    tlsOptions: { ca },
    retryOptions: { maxRetries: 3, retryDelayInMs: 1 },
  });

describe('the hybrid client', () => {
  test.each([
    ['Hourly', HOUR_END],
    ['Daily', DAY_END],
  ] as const)('lists %s usage over all pages', async (aggregationGranularity, end) => {
    const resources = new Set<unknown>();
    const lengths: number[] = [];
    const pages = hybrid().usageAggregates.list(START, end, { aggregationGranularity }).byPage();
    for await (const page of pages) {
      lengths.push(page.length);
      for (const row of page) {
        expect([row.subscriptionId, row.meterId, row.quantity]).toEqual([TENANT, 'METER', 0.5]);
        expect(row.usageStartTime).toEqual(
          aggregationGranularity === 'Hourly'
            ? dateOf(FIRST - HOUR_MILLIS)
            : dateOf(FIRST - 24 * HOUR_MILLIS),
        );
        resources.add(row.instanceData);
      }
    }
    expect(lengths).toEqual([1_000, 1_000, 50]);
    expect(resources.size).toBe(ROWS - 50);
  });

  test.each([
    [429, 'TooManyRequests'],
    [503, 'ServiceUnavailable'],
  ] as const)('waits out a %i', async (status, code) => {
    const trouble = { status, code, message: 'later', headers: { 'retry-after': '0' } };
    troubles.push(trouble, trouble);
    const rows = hybrid().usageAggregates.list(START, HOUR_END, {
      aggregationGranularity: 'Hourly',
    });
    expect((await rows.next()).done).toBe(false);
    expect(troubles).toEqual([]);
  });

  test.each([
    ['an hour that is not complete', DAY_END, 25, 202, 'ProcessingNotComplete'],
    ['a range that is empty', START, 0, 400, 'InvalidProperty'],
    ['the future', START, 24 * 365, 400, 'RequestEndTimeIsInFuture'],
  ])('throws for %s', async (_, start, hours, statusCode, code) => {
    const end = dateOf(FIRST + hours * HOUR_MILLIS);
    const rows = hybrid().usageAggregates.list(start, end, { aggregationGranularity: 'Hourly' });
    await expect(rows.next()).rejects.toMatchObject({ statusCode, details: { error: { code } } });
  });

  test.each([
    ['a subscription that is none', 'nobody', 400, 'InvalidSubscriptionId'],
    ['a foreign subscription', TENANT.replace('5d', '6d'), 403, 'AuthorizationFailed'],
  ])('throws for %s', async (_, subscription, statusCode, code) => {
    const rows = hybrid(subscription).usageAggregates.list(START, DAY_END);
    await expect(rows.next()).rejects.toMatchObject({ statusCode, details: { error: { code } } });
  });
});

describe('the other client', () => {
  const client = (): UsageManagementClient =>
    new UsageManagementClient(CREDENTIAL, TENANT, { baseUri: api.url });

  test.each([
    ['Hourly', HOUR_END],
    ['Daily', DAY_END],
  ] as const)(
    'lists %s usage over all pages, with its parameters over those of the links',
    async (aggregationGranularity, end) => {
      const options = { aggregationGranularity, showDetails: true };
      const { usageAggregates } = client();
      let page = await usageAggregates.list(START, end, options);
      const lengths = [page.length];
      const resources = new Set(page.map(({ instanceData }) => instanceData));
      while (page.nextLink !== undefined) {
        page = await usageAggregates.listNext(page.nextLink, START, end, options);
        lengths.push(page.length);
        for (const { instanceData } of page) resources.add(instanceData);
      }
      expect(lengths).toEqual([1_000, 1_000, 50]);
      expect(resources.size).toBe(ROWS - 50);
    },
  );

  test('is told when it forgets the granularity, for which it then puts Daily', async () => {
    const { usageAggregates } = client();
    const page = await usageAggregates.list(START, DAY_END, { aggregationGranularity: 'Hourly' });
    await expect(
      usageAggregates.listNext(page.nextLink ?? '', START, DAY_END),
    ).rejects.toMatchObject({
      statusCode: 400,
      body: { error: { message: expect.stringContaining('another query or caller') as string } },
    });
  });

  test.each([
    [{ showDetails: false }, 'InvalidProperty'],
    [{ continuationToken: 'none' }, 'InvalidProperty'],
  ])('throws for %j', async (options, code) => {
    await expect(client().usageAggregates.list(START, DAY_END, options)).rejects.toMatchObject({
      statusCode: 400,
      body: { error: { code } },
    });
  });
});
