import { pino } from 'pino';
import { NO_DIRECTORY } from '../../test/support/usage-callers.ts';
import { usageRow } from '../../test/support/usage-row.ts';
import { guardedServer } from '../shared/http/guarded-server.ts';
import { succeed } from '../shared/model/result.ts';
import { ReadLimit } from './read-limit.ts';
import { PAGE_ROWS, type UsagePage } from './usage-page.ts';
import { usagePath } from './usage-path.ts';
import { addUsageRoutes } from './usage-routes.ts';

const PROVIDER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';
const TENANT = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';
const CALL = `${usagePath('provider', PROVIDER)}?reportedStartTime=2019-12-10T00:00:00Z&reportedEndTime=2019-12-11T00:00:00Z&api-version=2015-06-01-preview`;

/** An answer of two pages. To whom a moment ago will do, no tenant is told. */
const server = guardedServer({
  listenHost: '127.0.0.1',
  allowedHosts: [],
  linksFromElsewhere: true,
});
addUsageRoutes(server, {
  store: {
    coverage: () => Promise.resolve({ firstLiveHour: null, completeBefore: null, sources: [] }),
    restatements: () => Promise.resolve([]),
    rows: (_query, _sources, after) => {
      const count = after === null ? PAGE_ROWS + 1 : 1;
      return Promise.resolve(Array.from({ length: count }, (_, n) => usageRow(n, 0)));
    },
  },
  callerOf: ({ continues }) =>
    Promise.resolve(
      succeed({ subscription: PROVIDER, visible: continues === true ? [] : [TENANT] }),
    ),
  directory: NO_DIRECTORY,
  now: () => Date.UTC(2019, 11, 12),
  hourMillis: 3_600_000,
  tokenKeys: [{ id: 'k', secret: Buffer.alloc(32) }],
  readLimit: new ReadLimit(1000),
  timeLimitMillis: 30_000,
  logger: pino({ level: 'silent' }),
  publicUrl: null,
});

const headers = { host: '127.0.0.1:1' };

afterAll(() => server.close());

test('directory-of-another-instance: a later page is not refused by tenants that were read before those of the first page', async () => {
  const first = (await server.inject({ url: CALL, headers })).json<UsagePage>();
  const { pathname, search } = new URL(first.nextLink ?? '');
  const next = await server.inject({ url: pathname + search, headers });
  expect([next.statusCode, next.json<UsagePage>().value.length]).toEqual([200, 1]);
});

test('a later page that is refused by what is true now is refused', async () => {
  const next = await server.inject({ url: `${CALL}&continuationToken=x`, headers });
  expect([next.statusCode, next.body]).toEqual([
    400,
    expect.stringContaining('is not a token of this service'),
  ]);
});
