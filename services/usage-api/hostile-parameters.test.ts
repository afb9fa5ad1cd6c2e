import { callerWithoutSignIn, NO_DIRECTORY } from '../../test/support/usage-callers.ts';
import fc from 'fast-check';
import { pino } from 'pino';
import { openClickHouse } from '../shared/clickhouse/client.ts';
import { ERROR_CODES, type ErrorBody, type ErrorCode } from './api-error.ts';
import { ReadLimit } from './read-limit.ts';
import { usageApiServer } from './server.ts';
import { usagePath } from './usage-path.ts';
import { PARAMETERS } from './usage-query.ts';
import { UsageStore } from './usage-store.ts';

const PROVIDER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';

/** Nobody listens there: a hostile value that gets as far as to the database is answered 503. */
const clickHouse = openClickHouse({
  CLICKHOUSE_URL: 'http://127.0.0.1:1',
  CLICKHOUSE_USER: 'default',
  CLICKHOUSE_PASSWORD: '',
  CLICKHOUSE_DATABASE: 'usage',
});

const server = usageApiServer({
  store: new UsageStore(clickHouse, 30),
  providerSubscription: PROVIDER,
  callerOf: callerWithoutSignIn(PROVIDER),
  directory: NO_DIRECTORY,
  now: () => Date.UTC(2019, 11, 12),
  hourMillis: 3_600_000,
  tokenKeys: [{ id: 'k', secret: Buffer.alloc(32) }],
  readLimit: new ReadLimit(1_000_000),
  timeLimitMillis: 30_000,
  logger: pino({ level: 'silent' }),
  listener: { listenHost: '127.0.0.1', allowedHosts: [], linksFromElsewhere: true },
  publicUrl: null,
});

afterAll(async () => {
  await server.close();
  await clickHouse.close();
});

const RIGHT: Readonly<Record<string, string>> = {
  'api-version': '2015-06-01-preview',
  aggregationGranularity: 'Daily',
  reportedStartTime: '2019-12-10T00:00:00Z',
  reportedEndTime: '2019-12-11T00:00:00Z',
};

const SQL = [
  "' OR 1=1 --",
  "'; DROP TABLE usage_hourly; --",
  "') UNION ALL SELECT * FROM system.users --",
  "2019-12-10T00:00:00Z' OR '1'='1",
  "39c82aed-b2b7-4a66-abdb-611de00bf11e' OR 1=1",
  '{subscriber:String}',
  'Daily/**/UNION/**/SELECT',
];

const HOSTILE = [
  ...SQL,
  'x'.repeat(10_000),
  '%00',
  '%',
  '%zz',
  '%ff%fe',
  '%252525',
  '\u0000',
  '\r\nx-injected: 1',
  '\u001b[2J',
  '../../etc/passwd',
  '<script>alert(1)</script>',
  '[object Object]',
  'NaN',
  '-1',
  '1e999',
  '٢٠١٩-١٢-١٠T00:00:00Z',
  '+275760-09-13T00:00:00Z',
  '9999999-12-31T00:00:00Z',
  '2019-13-41T25:61:61Z',
];

const refusalOf = async (path: string, search: string): Promise<readonly [number, ErrorCode]> => {
  const answer = await server.inject({ url: `${path}?${search}` });
  const { code, message } = answer.json<ErrorBody>().error;
  expect(ERROR_CODES[code]).toContain(answer.statusCode);
  expect(answer.headers['x-injected']).toBeUndefined();
  expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  expect(message.length).toBeLessThan(1_000);
  return [answer.statusCode, code];
};

const withValue = (name: string, value: string): string =>
  new URLSearchParams({ ...RIGHT, [name]: value }).toString();

describe.each(['provider', 'tenant'] as const)('the API of the %s', (api) => {
  const path = usagePath(api, PROVIDER);

  test.each(PARAMETERS[api].filter((name) => name !== 'continuationToken'))(
    '%s refuses each hostile value',
    async (name) => {
      for (const value of HOSTILE) {
        const [status] = await refusalOf(path, withValue(name, value));
        expect([value, status]).toEqual([value, 400]);
        // Raw, as a client writes it that escapes nothing but what would end the value.
        const raw = encodeURI(value).replace(/[&#]/g, encodeURIComponent);
        const search = `${new URLSearchParams(RIGHT).toString()}&${name}=${raw}`;
        expect((await refusalOf(path, search))[0]).toBe(400);
      }
    },
  );

  test('a hostile name is refused, and so is a parameter that is given twice', async () => {
    for (const name of HOSTILE) {
      const search = `${new URLSearchParams(RIGHT).toString()}&${encodeURIComponent(name)}=1`;
      expect(await refusalOf(path, search)).toEqual([400, 'InvalidProperty']);
    }
    for (const name of PARAMETERS[api]) {
      const twice = `${withValue(name, 'x')}&${name.toUpperCase()}=x`;
      expect((await refusalOf(path, twice))[0]).toBe(400);
    }
  });

  test('a hostile subscription in the path is refused', async () => {
    for (const value of [...HOSTILE, `${PROVIDER}'`, `${PROVIDER}%20`]) {
      const hostile = usagePath(api, encodeURIComponent(value));
      const answer = await refusalOf(hostile, new URLSearchParams(RIGHT).toString());
      expect([value, answer[0]]).toEqual([value, 400]);
    }
  });

  test('whatever the parameters are, the answer is documented, and is no defect', async () => {
    const name = fc.oneof(fc.constantFrom(...PARAMETERS[api]), fc.string());
    const value = fc.oneof(
      fc.constantFrom(...HOSTILE, ...Object.values(RIGHT)),
      fc.string({ unit: 'binary' }),
      fc.webQueryParameters(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 8 }), async (parameters) => {
        const answer = await server.inject({
          url: `${path}?${new URLSearchParams(parameters).toString()}`,
        });
        expect([400, 503]).toContain(answer.statusCode);
        expect(ERROR_CODES[answer.json<ErrorBody>().error.code]).toContain(answer.statusCode);
      }),
      { numRuns: 200 },
    );
  });
});
