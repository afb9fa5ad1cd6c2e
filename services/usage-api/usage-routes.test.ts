import { pino } from 'pino';
import { NO_DIRECTORY } from '../../test/support/usage-callers.ts';
import { pageOfRows, usageRow } from '../../test/support/usage-row.ts';
import { guardedServer } from '../shared/http/guarded-server.ts';
import { succeed } from '../shared/model/result.ts';
import { ReadLimit } from './read-limit.ts';
import { PAGE_ROWS, type UsagePage } from './usage-page.ts';
import { usagePath } from './usage-path.ts';
import { addUsageRoutes } from './usage-routes.ts';

const PROVIDER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';
const TENANT = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';
const CALL = `${usagePath('provider', PROVIDER)}?reportedStartTime=2019-12-10T00:00:00Z&reportedEndTime=2019-12-11T00:00:00Z&api-version=2015-06-01-preview`;

const BUSY = '2d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';

/** Reads that end when all of them are told to. */
const slow = {
  begun: 0,
  end: (): void => undefined,
  ended: Promise.resolve(),
  hold: (): void => {
    slow.ended = new Promise((end) => (slow.end = end));
  },
  read: (): Promise<void> => {
    slow.begun++;
    return slow.ended;
  },
};

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
    page: async ({ visible }, _sources, after, pageRows, { caller }) => {
      if (!('allBut' in visible) && visible.includes(BUSY)) await slow.read();
      const count = after === null ? PAGE_ROWS + 1 : 1;
      const rows = Array.from({ length: count }, (_, n) => usageRow(n, 0));
      return pageOfRows(rows, pageRows, caller);
    },
  },
  callerOf: ({ subscription, continues }) =>
    Promise.resolve(
      succeed({
        subscription,
        visible: subscription === BUSY ? [BUSY] : continues === true ? [] : [TENANT],
      }),
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

test('all-reads-of-one-caller: a subscription with many slow calls leaves room for others, and gets all its answers', async () => {
  slow.hold();
  const busy = CALL.replace(PROVIDER, BUSY);
  const calls = Array.from({ length: 12 }, async () => server.inject({ url: busy, headers }));
  const other = await server.inject({ url: CALL, headers });
  expect([other.statusCode, slow.begun]).toEqual([200, 4]);
  slow.end();
  const answers = await Promise.all(calls);
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(12).fill(200));
});
