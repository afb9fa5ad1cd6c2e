import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openTestSignIn, type TestSignIn } from '../support/sign-in.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import { get } from './usage-api-fixture.ts';
import {
  localCertificates,
  type CertificateFiles,
} from '../../services/development/local/certificates.ts';
import { HttpGet } from '../../services/shared/usage-client/http-get.ts';
import { END_WITH_PARENT } from '../../services/development/local/child-process.ts';
import { nodeArguments } from '../../services/shared/process/repository.ts';

let stack: TestStack;
let signIn: TestSignIn;

beforeAll(async () => {
  stack = await openTestStack();
  signIn = await openTestSignIn();
});

afterAll(async () => {
  await stack.close();
  await signIn.close();
});

const start = (settings: Readonly<Record<string, string>>): ChildProcess =>
  spawn(process.execPath, [END_WITH_PARENT, ...nodeArguments('services/usage-api/main.ts')], {
    env: { PATH: process.env['PATH'], ...stack.environment, ...signIn.environment, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

const endOf = async (child: ChildProcess): Promise<Ended> => {
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
};

/** The URL in the log line that says it is ready; null where it ends without one. */
const readyUrl = async (child: ChildProcess): Promise<string | null> => {
  if (!child.stdout) return null;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as { msg: string; url?: string };
    if (line.msg === 'ready') return line.url ?? null;
  }
  return null;
};

test('it tells where it is ready, and ends in good order on SIGTERM', async () => {
  const child = start({ USAGE_API_PORT: '0' });
  const ended = endOf(child);
  try {
    const url = await readyUrl(child);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await get(`${url ?? ''}/health/ready`)).status).toBe(200);
  } finally {
    child.kill('SIGTERM');
  }
  expect(await ended).toEqual({ code: 0, stderr: '' });
});

test('a port that is taken is named', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const port = String((holder.address() as AddressInfo).port);
  const { code, stderr } = await endOf(start({ USAGE_API_PORT: port }));
  holder.close();
  expect(code).toBe(1);
  expect(stderr).toMatch(
    new RegExp(
      `^usage-api: Cannot listen on 127.0.0.1:${port}: the port is in use.*USAGE_API_PORT to another port.\\n$`,
    ),
  );
});

test('a ClickHouse that is out of reach at the start is told in one line', async () => {
  const { code, stderr } = await endOf(start({ CLICKHOUSE_URL: 'http://127.0.0.1:1' }));
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^usage-api: ClickHouse at http:\/\/127\.0\.0\.1:1 cannot be reached: .*\n$/,
  );
});

test('where nobody could sign in, it does not start, and says what to set', async () => {
  const { code, stderr } = await endOf(start({ USAGE_API_JWKS: '', USAGE_LOCAL_DIR: '/nowhere' }));
  expect(code).toBe(1);
  expect(stderr).toMatch(/^usage-api: Nobody can sign in: .* or USAGE_API_SIGN_IN=off .*\n$/);
});

test('keys that cannot be read are named', async () => {
  const { code, stderr } = await endOf(start({ USAGE_API_JWKS: '/nowhere/keys.json' }));
  expect(code).toBe(1);
  expect(stderr).toMatch(/^usage-api: The public keys of sign-in in \/nowhere\/keys.json cannot/);
});

describe('over HTTPS', () => {
  let directory: string;
  let files: CertificateFiles;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'usage-tls-'));
    files = await localCertificates(directory);
  });
  afterAll(() => rm(directory, { recursive: true }));

  const settings = () => ({
    USAGE_API_PORT: '0',
    USAGE_API_TLS_CERT: files.certificate,
    USAGE_API_TLS_KEY: files.key,
  });

  test('it may listen beyond loopback, and whoever trusts the CA can call', async () => {
    const child = start({ ...settings(), USAGE_API_HOST: '0.0.0.0' });
    const ended = endOf(child);
    try {
      const port = new URL((await readyUrl(child)) ?? '').port;
      const ca = await readFile(files.ca, 'utf8');
      const ask = async (trusted: string | null, name: string) => {
        const client = new HttpGet(new URL(`https://${name}:${port}`), trusted);
        const signal = new AbortController().signal;
        const answer = await client.get('/', {}, { timeoutMillis: 60_000, signal });
        client.close();
        return answer;
      };
      for (const name of ['127.0.0.1', 'localhost']) {
        const answer = await ask(ca, name);
        expect(answer).toMatchObject({ ok: true, value: { status: 200 } });
        // Links lead to where the caller is.
        expect(answer.ok && answer.value.body).toContain(`https://${name}:${port}/subscriptions/`);
      }
      expect(await ask(null, '127.0.0.1')).toMatchObject({ ok: false });
      // Nothing is served over plain HTTP: a token would be sent in the clear.
      await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
    } finally {
      child.kill('SIGTERM');
    }
    expect(await ended).toEqual({ code: 0, stderr: '' });
  });

  test('a certificate of another key is named', async () => {
    const key = join(directory, 'ca-key.pem');
    const { code, stderr } = await endOf(start({ ...settings(), USAGE_API_TLS_KEY: key }));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^usage-api: The certificate .* cannot be used \(.*\): correct USAGE_/);
  });

  test('without it, or without sign-in, it does not listen beyond loopback', async () => {
    const plain = await endOf(start({ USAGE_API_HOST: '0.0.0.0' }));
    expect([plain.code, plain.stderr]).toEqual([1, expect.stringContaining('plain HTTP')]);
    const open = { ...settings(), USAGE_API_HOST: '0.0.0.0', USAGE_API_SIGN_IN: 'off' };
    const unsigned = await endOf(start(open));
    expect([unsigned.code, unsigned.stderr]).toEqual([
      1,
      expect.stringContaining('USAGE_API_SIGN_IN is off'),
    ]);
  });
});
