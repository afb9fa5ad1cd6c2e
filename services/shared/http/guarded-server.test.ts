import type { FastifyInstance } from 'fastify';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { guardedServer, withoutParameters, type ConnectionLimits } from './guarded-server.ts';

const RULES = { listenHost: '127.0.0.1', allowedHosts: [], linksFromElsewhere: true };
const QUICK = { headMillis: 50, requestMillis: 100, idleMillis: 60_000, checkMillis: 10 };

let server: FastifyInstance;
let posted: number;

const make = (...limits: readonly [ConnectionLimits?]): FastifyInstance => {
  const made = guardedServer(RULES, {}, ...limits);
  made.get('/', withoutParameters, () => ({ well: true }));
  made.post('/', () => ({ posted: ++posted }));
  return made;
};

beforeEach(() => {
  posted = 0;
  server = make();
});

afterEach(() => server.close());

const answerTo = async (head: string): Promise<string> => {
  if (!server.server.listening) await server.listen({ host: '127.0.0.1', port: 0 });
  const socket = connect((server.server.address() as AddressInfo).port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('utf8')));
  const closed = once(socket, 'close');
  socket.write(head);
  await closed;
  return answer;
};

test('a head that never ends is answered 408, and its connection closed', async () => {
  server = make(QUICK);
  expect(await answerTo('GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n')).toMatch(
    /^HTTP\/1.1 408 /,
  );
});

test('a body that never ends is answered 408, and its connection closed', async () => {
  server = make(QUICK);
  const head =
    'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{';
  expect(await answerTo(head)).toMatch(/^HTTP\/1.1 408 /);
  expect(posted).toBe(0);
});

test.each([
  ['two Hosts', '/', 'Host: localhost\r\nHost: evil.example\r\n', 400],
  ['a whole URL', 'http://evil.example/', 'Host: localhost\r\n', 400],
  ['a Host that was rebound', '/', 'Host: evil.example\r\n', 421],
  ['none', '/', '', 400],
])('%s: the request on the wire is refused', async (_, url, headers, status) => {
  const answer = await answerTo(`GET ${url} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${String(status)} `));
  expect(answer).not.toContain('well');
});

test.each([
  'text/plain',
  'text/plain; application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/jsonx',
  '',
])('a body of type "%s", which a page may send anywhere, reaches nothing', async (type) => {
  const answer = await server.inject({
    method: 'POST',
    url: '/',
    headers: { 'content-type': type },
    payload: '{}',
  });
  expect(answer.statusCode).toBe(415);
  expect(posted).toBe(0);
});

test.each(['application/json', 'Application/JSON; charset=utf-8', 'application/json;x=y'])(
  'a body of type "%s" is read',
  async (type) => {
    const headers = { 'content-type': type };
    const answer = await server.inject({ method: 'POST', url: '/', headers, payload: '{}' });
    expect(answer.statusCode).toBe(200);
  },
);

test('a body over a mebibyte is refused', async () => {
  const answer = await server.inject({
    method: 'POST',
    url: '/',
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify('x'.repeat(1024 * 1024)),
  });
  expect(answer.statusCode).toBe(413);
  expect(posted).toBe(0);
});

test('a preflight is refused, and gives no leave to any origin', async () => {
  const answer = await server.inject({
    method: 'OPTIONS',
    url: '/',
    headers: { origin: 'http://evil.example', 'access-control-request-method': 'DELETE' },
  });
  expect(answer.statusCode).toBe(403);
  expect(Object.keys(answer.headers).filter((name) => name.includes('allow'))).toEqual([]);
});

test.each([
  ['/', {}, 200],
  ['/nothing', {}, 404],
  ['/', { host: 'evil.example' }, 421],
  ['/?x=1', {}, 400],
])('%s with %o: the answer carries the security headers', async (url, headers, status) => {
  const answer = await server.inject({ url, headers });
  expect(answer.statusCode).toBe(status);
  expect(answer.headers).toMatchObject({
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
});

test('a route without parameters names the one that it was given', async () => {
  const { body } = await server.inject({ url: '/?token=1' });
  expect(body).toContain("The parameter 'token' is not known: there are no parameters here.");
});
