import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { openClickHouse } from '../shared/clickhouse/client.ts';
import { usageApiServer } from './server.ts';
import { callerWithoutSignIn } from './caller.ts';
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

const serverAt = (publicUrl: string | null): FastifyInstance =>
  usageApiServer({
    store: new UsageStore(clickHouse, 30),
    providerSubscription: PROVIDER,
    callerOf: callerWithoutSignIn(PROVIDER),
    now: () => Date.UTC(2019, 11, 12),
    hourMillis: 3_600_000,
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
