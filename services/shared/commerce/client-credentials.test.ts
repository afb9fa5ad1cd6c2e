import { scriptedServer, type Answer, type Asked } from '../../../test/support/scripted-server.ts';
import { createLogger } from '../process/logging.ts';
import { ClientCredentialTokens } from './client-credentials.ts';
import { commerceTokens } from './sign-in.ts';
import { askSignedIn, staticToken } from './token-source.ts';

const SECRET = 'a-very-secret-secret';
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const tokenAnswer = (nth: number, seconds = '3600'): Answer => ({
  body: JSON.stringify({
    token_type: 'Bearer',
    expires_in: seconds,
    access_token: `token ${String(nth)}`,
  }),
});

const open = async (answer: (asked: Asked, nth: number) => Answer) => {
  const server = await scriptedServer(answer);
  ends.push(() => server.close());
  const clock = { now: 0 };
  const tokens = new ClientCredentialTokens(
    {
      tokenUrl: `${server.url}/tenant/oauth2/token`,
      clientId: 'client',
      secret: () => Promise.resolve(SECRET),
      resource: 'the service',
    },
    { requestMillis: 5_000, now: () => clock.now },
  );
  const text = async (): Promise<string> => {
    const got = await tokens.token();
    return got.ok ? got.value : got.error.reason;
  };
  return { tokens, text, clock, asked: server.asked };
};

test('a token is got once for all who ask at once, and kept', async () => {
  const { text, asked } = await open((_, nth) => tokenAnswer(nth));
  expect(await Promise.all([text(), text(), text()])).toEqual(['token 0', 'token 0', 'token 0']);
  expect(await text()).toBe('token 0');
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({ method: 'POST', path: '/tenant/oauth2/token' });
  expect(Object.fromEntries(new URLSearchParams(asked[0]?.body))).toEqual({
    grant_type: 'client_credentials',
    client_id: 'client',
    client_secret: SECRET,
    resource: 'the service',
  });
});

test('a token is renewed before its end; while that fails the old one is used to its end', async () => {
  let isAway = false;
  const { text, clock } = await open((_, nth) =>
    isAway ? { status: 503, body: '' } : tokenAnswer(nth),
  );
  expect(await text()).toBe('token 0');
  clock.now = 3_299_999;
  expect(await text()).toBe('token 0');
  isAway = true;
  clock.now = 3_300_000;
  expect(await text()).toBe('token 0');
  clock.now = 3_600_000;
  expect(await text()).toMatch(/token endpoint .* answered 503$/);
  isAway = false;
  expect(await text()).toMatch(/^token \d$/);
});

test('a token that Commerce refuses is renewed once, and the request is made again', async () => {
  const { tokens, asked } = await open((_, nth) => tokenAnswer(nth));
  const presented: (string | null)[] = [];
  const ask = (statuses: readonly number[]) =>
    askSignedIn(
      tokens,
      (token) => {
        presented.push(token);
        return Promise.resolve(statuses[presented.length - 1] ?? 403);
      },
      (status) => status,
    );
  expect(await ask([403, 200])).toEqual({ ok: true, value: 200 });
  expect(presented).toEqual(['token 0', 'token 1']);
  expect(await ask([])).toEqual({ ok: true, value: 403 });
  expect(presented).toEqual(['token 0', 'token 1', 'token 1', 'token 2']);
  expect(asked).toHaveLength(3);
});

test('a token that another request has renewed already is not dropped', async () => {
  const { tokens, text } = await open((_, nth) => tokenAnswer(nth));
  await text();
  tokens.refused('token 0');
  expect(await text()).toBe('token 1');
  tokens.refused('token 0');
  expect(await text()).toBe('token 1');
});

test.each<[string, Answer, string, RegExp]>([
  ['away', 'close', 'wait', /token endpoint .* does not answer/],
  ['busy', { status: 429, headers: { 'retry-after': '7' }, body: '' }, 'wait', /answered 429$/],
  [
    'sure that the secret is wrong',
    {
      status: 401,
      body: JSON.stringify({
        error: 'invalid_client',
        error_description: `AADSTS7000215: Invalid client secret ${SECRET}.\r\nTrace`,
      }),
    },
    'ask-a-person',
    /\(invalid_client: AADSTS7000215: .*\): set COMMERCE_CLIENT_ID and COMMERCE_CLIENT_SECRET$/,
  ],
  ['something else', { status: 404, body: '<html>' }, 'ask-a-person', /set COMMERCE_TOKEN_URL/],
  ['no token endpoint', { body: '{"hello":1}' }, 'ask-a-person', /and no token/],
])(
  'a token endpoint that is %s is told, without the secret',
  async (_, answer, handling, reason) => {
    const { tokens } = await open(() => answer);
    const got = await tokens.token();
    if (got.ok) throw new Error('there is a token');
    expect(got.error).toMatchObject({ handling });
    expect(got.error.reason).toMatch(reason);
    expect(got.error.reason).not.toContain(SECRET);
  },
);

test('a static token is presented as it is, and never renewed', async () => {
  expect(await staticToken('t').token()).toEqual({ ok: true, value: 't' });
  expect(staticToken('t').refused('t')).toBe(false);
});

const SETTINGS = { COMMERCE_URL: 'http://c', COMMERCE_RESOURCE: 'r', COMMERCE_CLIENT_ID: 'c' };

test.each([
  [SETTINGS, 'COMMERCE_TENANT_ID or COMMERCE_TOKEN_URL'],
  [{ ...SETTINGS, COMMERCE_TENANT_ID: 't' }, 'COMMERCE_CLIENT_SECRET or'],
])('a client without what belongs to it is refused by name', (config, name) => {
  expect(() => commerceTokens(config)).toThrow(name);
});

test('no secret and no token stands in a log', () => {
  const lines: string[] = [];
  const logger = createLogger('test', 'info', { write: (line: string) => void lines.push(line) });
  const secrets = {
    authorization: SECRET,
    token: SECRET,
    client_secret: SECRET,
    access_token: SECRET,
  };
  logger.info(
    { ...secrets, headers: secrets, config: { COMMERCE_CLIENT_SECRET: SECRET } },
    'asked',
  );
  expect(lines.join('')).toContain('asked');
  expect(lines.join('')).not.toContain(SECRET);
});
