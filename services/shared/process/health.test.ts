import { request } from 'node:http';
import { startHealthServer } from './health.ts';
import type { Listening } from '../http/listen.ts';

let health: Listening;
let problems: readonly string[];

beforeEach(async () => {
  problems = [];
  const config = { HEALTH_PORT: 0, HTTP_ALLOWED_HOSTS: ['pod.example'] };
  health = await startHealthServer(config, () => ({ problems, details: { lag: 7 } }));
});

afterEach(() => health.close());

const ask = (path: string, headers: Record<string, string> = {}): Promise<[number, string]> =>
  new Promise((resolve, reject) => {
    request(`${health.url}${path}`, { headers }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      answer.on('end', () => resolve([answer.statusCode ?? 0, body]));
    })
      .on('error', reject)
      .end();
  });

test('it is told to those who ask on loopback, or under an allowed name', async () => {
  expect(await ask('/health/ready')).toEqual([200, '{"status":"ready","problems":[],"lag":7}']);
  expect((await ask('/health/live', { host: 'pod.example:80' }))[0]).toBe(200);
});

test('a single problem makes it not ready', async () => {
  problems = ['it does not fetch'];
  expect(await ask('/health/ready')).toEqual([
    503,
    '{"status":"not ready","problems":["it does not fetch"],"lag":7}',
  ]);
});

test.each([
  [{ host: 'evil.example' }, 421],
  [{ origin: 'http://evil.example' }, 403],
  [{ 'sec-fetch-site': 'cross-site' }, 403],
])('it is not told to a page elsewhere: %o', async (headers: Record<string, string>, status) => {
  const [given, body] = await ask('/health/ready', headers);
  expect(given).toBe(status);
  expect(body).not.toContain('lag');
});

test('a parameter is told, since there is none', async () => {
  expect((await ask('/health/ready?format=text'))[0]).toBe(400);
});
