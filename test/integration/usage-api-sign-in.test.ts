import { writeDirectory } from '../../services/shared/directory/directory-table.ts';
import type { SubscriptionState } from '../../services/shared/model/subscription.ts';
import { openTestSignIn, type TestSignIn } from '../support/sign-in.ts';
import { startService, usagectl } from '../support/service-process.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import {
  closeThrough,
  declareSource,
  get,
  hour,
  insertWindows,
  PROVIDER,
  startApi,
  VERSION,
  type Answer,
  type ErrorAnswer,
  type RunningApi,
} from './usage-api-fixture.ts';

const HOUR = hour('2025-12-01T00');
const TOPIC = 'usage.history.sign-in';
const id = (n: number): string => `00000000-0000-4000-8000-00000000000${String(n)}`;

const DELEGATED = id(1);
const OWN = id(2);
const OWN_DELETED = id(3);
const OTHERS = id(4);
const OTHERS_DELETED = id(5);
const UNLISTED = id(6);
const GONE = id(7);
const TENANT_OF_GONE = id(8);
const NOBODY = id(9);

const entry = (subscription: string, provider: string, state: SubscriptionState) => ({
  id: subscription,
  provider,
  state,
  displayName: '',
  offer: '',
  customer: '',
  revision: 0,
});

let stack: TestStack;
let signIn: TestSignIn;
let api: RunningApi;

beforeAll(async () => {
  stack = await openTestStack();
  signIn = await openTestSignIn();
  const { clickHouse, logger } = stack;
  await writeDirectory(clickHouse, [
    entry(DELEGATED, PROVIDER, 'active'),
    entry(OWN, PROVIDER, 'active'),
    entry(OWN_DELETED, PROVIDER, 'deleted'),
    entry(OTHERS, DELEGATED, 'active'),
    entry(OTHERS_DELETED, DELEGATED, 'deleted'),
    entry(GONE, DELEGATED, 'deleted'),
    entry(TENANT_OF_GONE, GONE, 'active'),
  ]);
  await declareSource(clickHouse, {
    topic: TOPIC,
    kind: 'history',
    firstHour: HOUR,
    lastHour: HOUR,
    state: 'sealed',
  });
  const place = { topic: TOPIC, epoch: 1, partition: 0 };
  await insertWindows(
    clickHouse,
    [DELEGATED, OWN, OWN_DELETED, OTHERS, OTHERS_DELETED, UNLISTED].map((subscription, offset) => ({
      ...place,
      reportedHour: HOUR,
      usageHour: HOUR,
      subscriptionId: subscription,
      meterId: 'm',
      resourceUri: `/subscriptions/${subscription}/r`,
      location: '',
      tags: null,
      additionalInfo: null,
      quantity: '1',
      firstOffset: offset,
      lastOffset: offset,
    })),
  );
  await closeThrough(clickHouse, place, hour('2025-12-01T01'), { sealed: true });
  api = await startApi(clickHouse, {
    logger,
    now: Date.UTC(2026, 0, 1),
    signIn: signIn.signIn,
  });
});

afterAll(async () => {
  await api.close();
  await stack.close();
  await signIn.close();
});

const RESOURCES = {
  provider: 'Microsoft.Commerce.Admin/subscriberUsageAggregates',
  tenant: 'Microsoft.Commerce/usageAggregates',
};

const ask = async <Body>(
  which: keyof typeof RESOURCES,
  subscription: string,
  headers: Record<string, string>,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer<Body>> => {
  const search = new URLSearchParams({
    reportedStartTime: '2025-12-01T00:00:00Z',
    reportedEndTime: '2025-12-01T01:00:00Z',
    aggregationGranularity: 'Hourly',
    'api-version': VERSION,
    ...more,
  });
  const path = `/subscriptions/${subscription}/providers/${RESOURCES[which]}`;
  return get<Body>(`${api.url}${path}?${search.toString()}`, { headers });
};

interface Row {
  readonly properties: { readonly subscriptionId: string };
}

const seen = async (...args: Parameters<typeof ask>): Promise<readonly string[] | string> => {
  const { status, body } = await ask<{ value?: readonly Row[]; error?: { code: string } }>(...args);
  return body.value === undefined
    ? `${String(status)} ${body.error?.code ?? ''}`
    : body.value.map(({ properties }) => properties.subscriptionId);
};

const owner = (...subscriptions: readonly string[]) => signIn.headersOf('Owner', ...subscriptions);
const reader = (...subscriptions: readonly string[]) =>
  signIn.headersOf('Reader', ...subscriptions);

test('the default provider sees everything that is not of another provider, deleted and unlisted subscriptions included', async () => {
  expect(await seen('provider', PROVIDER, await reader(PROVIDER))).toEqual([
    DELEGATED,
    OWN,
    OWN_DELETED,
    UNLISTED,
  ]);
});

test('a delegated provider sees its direct tenants, deleted ones included', async () => {
  expect(await seen('provider', DELEGATED, await reader(DELEGATED))).toEqual([
    OTHERS,
    OTHERS_DELETED,
  ]);
});

test('a tenant sees its own usage, unless it is deleted', async () => {
  for (const tenant of [OWN, OTHERS, UNLISTED]) {
    expect(await seen('tenant', tenant, await reader(tenant))).toEqual([tenant]);
  }
  expect(await seen('tenant', OWN_DELETED, await reader(OWN_DELETED))).toBe(
    '404 SubscriptionNotFound',
  );
});

test('one direct tenant can be asked for, and no other subscription', async () => {
  const of = async (provider: string, subscriberId: string) =>
    seen('provider', provider, await reader(provider), { subscriberId });
  for (const tenant of [DELEGATED, OWN, OWN_DELETED, UNLISTED]) {
    expect(await of(PROVIDER, tenant.toUpperCase())).toEqual([tenant]);
    expect(await of(DELEGATED, tenant)).toBe('400 SubscriberIdIsNotDirectTenant');
  }
  for (const tenant of [OTHERS, OTHERS_DELETED]) {
    expect(await of(DELEGATED, tenant)).toEqual([tenant]);
    expect(await of(PROVIDER, tenant)).toBe('400 SubscriberIdIsNotDirectTenant');
  }
});

test('tenant-of-a-deleted-provider: without usage in the range, it is a direct tenant of the default provider all the same', async () => {
  const of = async (provider: string) =>
    seen('provider', provider, await reader(provider), { subscriberId: TENANT_OF_GONE });
  expect(await of(PROVIDER)).toEqual([]);
  expect(await of(DELEGATED)).toBe('400 SubscriberIdIsNotDirectTenant');
  expect(await of(GONE)).toBe('404 SubscriptionNotFound');
});

/** All of an answer that a caller could learn from, without what differs in any two answers. */
const traceOf = (answer: Answer<ErrorAnswer>, ...ids: readonly string[]): string => {
  const headers = [...answer.headers].filter(
    ([name]) => !/^(date|x-ms-.*request-id|x-ms-ratelimit-.*)$/.test(name),
  );
  return ids.reduce(
    (text, each) => text.replaceAll(each, 'ID'),
    JSON.stringify([answer.status, headers, answer.body]),
  );
};

test('no answer tells a foreign subscription from one that does not exist', async () => {
  const cases = [
    ['tenant', NOBODY, await owner(OWN), {}],
    ['provider', NOBODY, await owner(OWN), {}],
    ['provider', DELEGATED, await owner(DELEGATED), { subscriberId: NOBODY }],
    ['provider', PROVIDER, await owner(PROVIDER), { subscriberId: NOBODY }],
  ] as const;
  const traces = [];
  for (const [which, subscription, headers, more] of cases) {
    const foreign = which === 'provider' && subscription === DELEGATED ? OWN_DELETED : OTHERS;
    const swap = (text: string): string => (text === NOBODY ? foreign : text);
    const nobody = await ask<ErrorAnswer>(which, subscription, headers, more);
    const other = await ask<ErrorAnswer>(
      which,
      swap(subscription),
      headers,
      'subscriberId' in more ? { subscriberId: foreign } : {},
    );
    expect(traceOf(other, foreign)).toBe(traceOf(nobody, NOBODY));
    traces.push(`${String(nobody.status)} ${nobody.body.error.code}`);
  }
  expect(traces).toEqual([
    '403 AuthorizationFailed',
    '403 AuthorizationFailed',
    '400 SubscriberIdIsNotDirectTenant',
    '400 SubscriberIdIsNotDirectTenant',
  ]);
});

test('without a token nobody learns anything, whatever the path', async () => {
  for (const subscription of [PROVIDER, OTHERS, NOBODY]) {
    for (const which of ['provider', 'tenant'] as const) {
      const { status, headers, body } = await ask<ErrorAnswer>(which, subscription, {});
      expect([status, body.error.code]).toEqual([401, 'AuthenticationFailed']);
      expect(headers.get('www-authenticate')).toBe('Bearer realm="usage-api"');
    }
  }
});

test('a page of one caller is not continued by another', async () => {
  const answer = await ask<ErrorAnswer>('tenant', OWN, await owner(PROVIDER), {
    continuationToken: 'x',
  });
  expect(answer.body.error.code).toBe('AuthorizationFailed');
});

test('the service accepts tokens of usagectl, and those of no other key', async () => {
  const local = { ...stack.environment, USAGE_LOCAL_DIR: signIn.local };
  const service = await startService('usage-api', { ...local, USAGE_API_PORT: '0' });
  try {
    const url = await service.address('url');
    const { stdout } = await usagectl(['token', '--subscription', OWN, '--role', 'Owner'], local);
    const path = `${url}/subscriptions/${OWN}/providers/${RESOURCES.tenant}?reportedStartTime=2025-12-01T00:00:00Z&reportedEndTime=2025-12-01T01:00:00Z&aggregationGranularity=Hourly&api-version=${VERSION}`;
    const statusWith = async (headers: Record<string, string>) =>
      (await get(path, { headers })).status;
    expect(await statusWith({ authorization: `Bearer ${stdout.trim()}` })).toBe(200);
    expect(await statusWith({})).toBe(401);
    const other = await openTestSignIn();
    expect(await statusWith(await other.headersOf('Owner', OWN))).toBe(401);
    await other.close();
  } finally {
    await service.stop();
  }
});

test.each([
  [['--lifetime', '1y'], 'it must be a time such as 90s'],
  [['--lifetime', '31d'], 'of at most 30d'],
  [['--role', 'Admin'], 'Allowed choices are Owner, Contributor, Reader'],
  [['--subscription', 'x'], 'it must be an id in the form of a GUID'],
])('usagectl token refuses %j in words', async (args, problem) => {
  const { code, stdout, stderr } = await usagectl(['token', ...args], {
    USAGE_LOCAL_DIR: signIn.local,
  });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain(problem);
});

test('usagectl token says what to do where it can sign nothing', async () => {
  const nowhere = await usagectl(['token'], { USAGE_LOCAL_DIR: `${signIn.local}/nowhere` });
  expect(nowhere).toMatchObject({ code: 1, stdout: '' });
  expect(nowhere.stderr).toContain('"npm start" makes one');
  const elsewhere = await usagectl(['token'], {
    USAGE_LOCAL_DIR: signIn.local,
    USAGE_API_ISSUER: 'https://login.example.com/',
  });
  expect(elsewhere).toMatchObject({ code: 1, stdout: '' });
  expect(elsewhere.stderr).toContain('accepts tokens of https://login.example.com/ only');
});
