import { CLIENT, CommerceServer, type Answered } from '../../../../test/support/commerce-server.ts';
import { FaultQueue } from '../faults/fault-queue.ts';

const queue = new FaultQueue();
let server: CommerceServer;

beforeEach(async () => {
  server = await CommerceServer.start({ token: null, faultQueue: queue }, { client: true });
});

afterEach(() => server.stop());

const GOOD = {
  grant_type: 'client_credentials',
  client_id: CLIENT.clientId,
  client_secret: CLIENT.secret,
  resource: '20e940b3-4c77-4b0b-9a53-9e16a1b010a7',
};

const signIn = (
  changes: Readonly<Record<string, string>> = {},
  tenant = CLIENT.tenantId,
): Promise<Answered> =>
  server.ask({
    method: 'POST',
    url: `/${tenant}/oauth2/token`,
    headers: { authorization: '', 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({ ...GOOD, ...changes }).toString(),
  });

const tokenFrom = ({ body }: Answered): string =>
  (body as { readonly access_token: string }).access_token;

const list = (token: string): Promise<Answered> =>
  server.ask({
    method: 'GET',
    url: '/api/usageEvents?api-version=2018-08-31&usageStartDate=2026-03-10',
    headers: { authorization: `Bearer ${token}` },
  });

const setClock = (now: string, token: string): Promise<Answered> =>
  server.ask({
    method: 'PUT',
    url: '/clock',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    payload: JSON.stringify({ now }),
  });

test('a client gets a token that is good for an hour', async () => {
  const answer = await signIn();
  expect(answer).toMatchObject({
    status: 200,
    body: {
      token_type: 'Bearer',
      expires_in: '3600',
      not_before: '1773146096',
      expires_on: '1773149696',
      resource: GOOD.resource,
    },
    headers: { 'cache-control': 'no-store' },
  });
  const token = tokenFrom(answer);
  expect((await list(token)).status).toBe(200);
  await setClock('2026-03-10T13:34:55Z', token);
  expect((await list(token)).status).toBe(200);
  await setClock('2026-03-10T13:34:56Z', token);
  expect(await list(token)).toMatchObject({
    status: 403,
    body: { code: 'Forbidden', message: 'The bearer token has expired.' },
  });
  expect((await list(tokenFrom(await signIn()))).status).toBe(200);
});

test.each([
  ['another secret', { client_secret: 'other' }, 401, 'invalid_client', 7000215],
  ['another client', { client_id: 'other' }, 400, 'unauthorized_client', 700016],
  ['no secret', { client_secret: '' }, 400, 'invalid_request', 900144],
  ['another grant', { grant_type: 'password' }, 400, 'unsupported_grant_type', 70003],
  ['another resource', { resource: 'x' }, 400, 'invalid_resource', 500011],
])('%s gets none', async (_name, changes, status, error, number) => {
  const answer = await signIn(changes);
  expect(answer).toMatchObject({ status, body: { error, error_codes: [number] } });
  expect(answer.text).toContain(`AADSTS${String(number)}: `);
  expect(answer.text).not.toContain(CLIENT.secret);
});

test('another directory has no such client', async () => {
  expect(await signIn({}, 'fabrikam.example')).toMatchObject({
    status: 400,
    body: { error: 'invalid_request', error_codes: [90002] },
  });
});

test.each(['', 'Bearer', 'Bearer a.b.c', 'Bearer hidden'])('"%s" is no token', async (header) => {
  const options = { method: 'GET', url: '/api/usageEvents', headers: { authorization: header } };
  expect(await server.ask(options as never)).toMatchObject({ status: 403 });
});

test('a token that another store signed is none', async () => {
  const other = await CommerceServer.start({ token: null }, { client: true });
  const mine = tokenFrom(await signIn());
  const url = '/api/usageEvents?api-version=2018-08-31&usageStartDate=2026-03-10';
  const headers = { authorization: `Bearer ${mine}` };
  expect((await other.ask({ method: 'GET', url, headers })).status).toBe(403);
  await other.stop();
});

test('a token that a test lets expire is refused from then on, and a new one is not', async () => {
  const [old, other] = [tokenFrom(await signIn()), tokenFrom(await signIn())];
  queue.add({ kind: 'expired-token', status: 401, count: 1, on: 'metering' });
  expect((await list(old)).status).toBe(401);
  expect((await list(old)).status).toBe(403);
  expect((await list(other)).status).toBe(200);
});

test('the endpoint of tokens has faults of its own', async () => {
  queue.add({ kind: 'status', status: 503, count: 1, on: 'token', stored: false, retryAfter: 3 });
  expect(await signIn()).toMatchObject({ status: 503, headers: { 'retry-after': '3' } });
  expect((await signIn()).status).toBe(200);
});

test('JSON is no form, and a form is JSON nowhere else', async () => {
  const url = `/${CLIENT.tenantId}/oauth2/token`;
  const headers = { 'content-type': 'application/json' };
  expect(await server.ask({ method: 'POST', url, headers, payload: '{}' })) //
    .toMatchObject({ status: 400 });
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  expect(await server.ask({ method: 'POST', url: '/faults', headers: form, payload: 'a=b' })) //
    .toMatchObject({ status: 400 });
});
