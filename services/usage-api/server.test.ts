import { connect, type AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { callerWithoutSignIn, NO_DIRECTORY } from '../../test/support/usage-callers.ts';
import { openClickHouse } from '../shared/clickhouse/client.ts';
import { usageApiServer } from './server.ts';
import type { ErrorBody } from './api-error.ts';
import { ReadLimit } from './read-limit.ts';
import { usagePath } from './usage-path.ts';
import { UsageStore } from './usage-store.ts';

const PROVIDER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';
const CALL = `${usagePath('provider', PROVIDER)}?reportedStartTime=2019-12-10T00:00:00Z&reportedEndTime=2019-12-11T00:00:00Z&api-version=2015-06-01-preview`;

/** Nobody listens there: a request that gets as far as to the database is answered 503. */
const clickHouse = openClickHouse({
  CLICKHOUSE_URL: 'http://127.0.0.1:1',
  CLICKHOUSE_USER: 'default',
  CLICKHOUSE_PASSWORD: '',
  CLICKHOUSE_DATABASE: 'usage',
});

afterAll(() => clickHouse.close());

let server: FastifyInstance;

const serverAt = (publicUrl: string | null, readsAnHour = 1000): FastifyInstance =>
  usageApiServer({
    store: new UsageStore(clickHouse, 30),
    providerSubscription: PROVIDER,
    callerOf: callerWithoutSignIn(PROVIDER),
    directory: NO_DIRECTORY,
    now: () => Date.UTC(2019, 11, 12),
    hourMillis: 3_600_000,
    tokenKeys: [{ id: 'k', secret: Buffer.alloc(32) }],
    readLimit: new ReadLimit(readsAnHour),
    timeLimitMillis: 30_000,
    logger: pino({ level: 'silent' }),
    listener: {
      listenHost: '127.0.0.1',
      allowedHosts: ['usage.example.com'],
      linksFromElsewhere: true,
    },
    publicUrl,
  });

beforeEach(() => {
  server = serverAt(null);
});

afterEach(() => server.close());

test.each([
  ['a Host that was rebound', { host: 'evil.example:8080' }, 421],
  ['a foreign Origin', { origin: 'http://evil.example' }, 403],
  ['another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 403],
])("%s gets no usage, but Azure's envelope and request ids", async (_, headers, status) => {
  for (const url of [CALL, '/', '/health/ready', '/nothing']) {
    const answer = await server.inject({ url, headers });
    expect([url, answer.statusCode]).toEqual([url, status]);
    expect(answer.json()).toEqual({
      error: { code: 'BadRequest', message: expect.any(String) as string },
    });
    expect(answer.headers['x-ms-request-id']).toMatch(/^[\da-f-]{36}$/);
  }
});

test('the refusal of a name says which names there are, and how one is added', async () => {
  const { body } = await server.inject({ url: CALL, headers: { host: 'evil.example' } });
  for (const part of ['127.0.0.1', 'usage.example.com', 'HTTP_ALLOWED_HOSTS']) {
    expect(body).toContain(part);
  }
});

test.each(['/?verbose', '/health/live?t=1', '/health/ready?t=1'])(
  'what has no parameters refuses them: %s',
  async (url) => {
    const answer = await server.inject({ url });
    expect([answer.statusCode, answer.body]).toEqual([
      400,
      expect.stringContaining('there are no parameters here'),
    ]);
  },
);

test('links have the host that the caller used, which is one of ours', async () => {
  const { example } = (await server.inject({ url: '/', headers: { host: 'localhost:1' } })).json<{
    example: string;
  }>();
  expect(example).toMatch(/^http:\/\/localhost:1\/subscriptions\//);
});

test('links have the public URL where one is set, whatever the caller used', async () => {
  await server.close();
  server = serverAt('https://usage.example.com/api');
  const { example } = (await server.inject({ url: '/', headers: { host: 'localhost:1' } })).json<{
    example: string;
  }>();
  expect(example).toMatch(/^https:\/\/usage\.example\.com\/api\/subscriptions\//);
});

describe('paths', () => {
  const search = CALL.slice(CALL.indexOf('?'));
  const TENANT = usagePath('tenant', PROVIDER);

  /** Nothing is read here: what gets as far as to the database is a 503. */
  test.each([
    CALL,
    `${TENANT}${search}`,
    `${TENANT.toUpperCase()}${search}`,
    `${TENANT.replace('usageAggregates', 'UsageAggregates')}/${search}`,
    `/${TENANT}${search}`,
    `/subscriptions/${PROVIDER}/providers/Microsoft.Commerce/locations/UsageAggregates${search}&showDetails=true`,
    `/subscriptions/${PROVIDER}/providers/Microsoft.Commerce.Admin/locations/subscriberUsageAggregates/${search}&showDetails=true`,
  ])('%s is a call', async (url) => {
    const answer = await server.inject({ url });
    expect([answer.statusCode, answer.json<ErrorBody>().error.code]).toEqual([
      503,
      'ServiceUnavailable',
    ]);
    expect(answer.headers['x-ms-ratelimit-remaining-subscription-reads']).toBe('999');
  });

  test.each([
    [`/subscriptions/${PROVIDER}/providers/Microsoft.Commerce/subscriberUsageAggregates`, CALL],
    [
      `/subscriptions/${PROVIDER}/providers/Microsoft.Commerce.Admin/locations/x/subscriberUsageAggregates`,
      CALL,
    ],
    [`/subscriptions/${PROVIDER}/providers/Microsoft.Commerce/UsageAggregate`, TENANT],
    [`/subscriptions/${PROVIDER}/providers/Microsoft.Commerce/${'x'.repeat(5000)}`, TENANT],
  ])('%s is no call, and is told the right one', async (wrong, right) => {
    const answer = await server.inject({ url: `${wrong}${search}` });
    const { code, message } = answer.json<ErrorBody>().error;
    expect([answer.statusCode, code]).toEqual([404, 'NotFound']);
    expect(message).toContain(`GET ${right.replace(/\?.*/, '')}`);
    expect(message.length).toBeLessThan(700);
  });

  test.each(['/subscriptions/', '/subscriptions//', '//', '/'])(
    'a call without a subscription says that it is missing: %s',
    async (start) => {
      for (const resource of [
        'Microsoft.Commerce/UsageAggregates',
        'Microsoft.Commerce.Admin/subscriberUsageAggregates',
      ]) {
        const answer = await server.inject({ url: `${start}providers/${resource}${search}` });
        expect([answer.statusCode, answer.json<ErrorBody>().error.code]).toEqual([
          400,
          'SubscriptionIdMissingInRequest',
        ]);
      }
    },
  );
});

test('a subscription that has made its reads is told when the next one may be made', async () => {
  await server.close();
  server = serverAt(null, 2);
  const remaining: unknown[] = [];
  for (const status of [503, 503, 429, 429]) {
    const answer = await server.inject({ url: CALL });
    expect(answer.statusCode).toBe(status);
    remaining.push(answer.headers['x-ms-ratelimit-remaining-subscription-reads']);
    if (status !== 429) continue;
    expect(answer.headers['retry-after']).toBe('1800');
    expect(answer.json<ErrorBody>().error.code).toBe('TooManyRequests');
  }
  expect(remaining).toEqual(['1', '0', '0', '0']);
  // Another subscription has reads of its own.
  const tenant = CALL.replace(usagePath('provider', PROVIDER), usagePath('tenant', PROVIDER));
  expect((await server.inject({ url: tenant })).statusCode).toBe(503);
});

test('the OpenAPI document is served, and each of its paths is answered', async () => {
  const answer = await server.inject({ url: '/openapi.json' });
  expect(answer.statusCode).toBe(200);
  const { paths, servers } = answer.json<{ paths: object; servers: { url: string }[] }>();
  expect(servers).toEqual([{ url: 'http://localhost:80' }]);
  for (const path of Object.keys(paths)) {
    const url = path.replace('{subscriptionId}', PROVIDER);
    expect([path, (await server.inject({ url })).statusCode]).not.toEqual([path, 404]);
  }
});

/** What Node's parser makes of these bytes, and the answer to them. */
const sendBytes = async (bytes: string): Promise<string> => {
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  socket.end(bytes);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
};

test.each([
  [
    '16 KiB',
    `GET ${CALL}&subscriberId=${'%27'.repeat(10_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  ],
  ['HTTP/1.1', 'GET / / HTTP/1.1\r\n\r\n'],
  ['HTTP/1.1', 'nothing\r\n\r\n'],
])('what cannot be read as a request gets the envelope too: %s', async (problem, bytes) => {
  const answer = await sendBytes(bytes);
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(answer).toMatch(/x-ms-request-id: [\da-f-]{36}/);
  const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as ErrorBody;
  expect(body.error.code).toBe('BadRequest');
  expect(body.error.message).toContain(problem);
});
