import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  END_WITH_PARENT,
  exitOf,
  type ProcessExit,
} from '../../services/development/local/child-process.ts';
import { localCertificates } from '../../services/development/local/certificates.ts';
import { openHttpsFront, type HttpsFront } from '../support/https-front.ts';
import { startSecuredKafka, type SecuredKafka } from '../support/kafka/secured-kafka.ts';
import { startService, usagectl } from '../support/service-process.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * Servers of one's own: brokers with TLS and a login, and a ClickHouse behind HTTPS with another user than
 * `default` (docs/own-servers.md).
 */
let directory: string;
let secured: SecuredKafka;
let front: HttpsFront;
let stack: TestStack;
/** Nothing of the shared servers but their engine, behind the front. */
let environment: Readonly<Record<string, string>>;

const fileWith = async (name: string, text: string): Promise<string> => {
  const path = join(directory, name);
  await writeFile(path, `${text}\n`, { mode: 0o600 });
  return path;
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'own-servers-'));
  stack = await openTestStack();
  secured = await startSecuredKafka(directory);
  const {
    CLICKHOUSE_URL: url,
    CLICKHOUSE_USER: user,
    CLICKHOUSE_PASSWORD: password,
  } = stack.config;
  front = await openHttpsFront(directory, { url, user, password });
  environment = {
    KAFKA_BROKERS: secured.securedBrokers,
    KAFKA_TLS: 'on',
    KAFKA_CA_FILE: secured.caFile,
    KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
    KAFKA_USERNAME: secured.user,
    KAFKA_PASSWORD_FILE: await fileWith('kafka-password', secured.password),
    CLICKHOUSE_URL: front.url,
    CLICKHOUSE_CA_FILE: front.caFile,
    CLICKHOUSE_USER: front.user,
    CLICKHOUSE_PASSWORD: '',
    CLICKHOUSE_PASSWORD_FILE: await fileWith('clickhouse-password', front.password),
    CLICKHOUSE_DATABASE: stack.config.CLICKHOUSE_DATABASE,
    USAGE_CONTROL_KEYS_FILE: await fileWith(
      'control-keys',
      stack.environment['USAGE_CONTROL_KEYS'] ?? '',
    ),
    USAGE_LOCAL_DIR: join(directory, 'local'),
  };
});

afterAll(async () => {
  await front.close();
  await secured.kafka.stop();
  await stack.close();
  await rm(directory, { recursive: true });
});

test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])(
  'topics are provisioned with a login by %s',
  async (KAFKA_SASL_MECHANISM) => {
    const { code, stdout, stderr } = await usagectl(['provision'], {
      ...environment,
      KAFKA_SASL_MECHANISM,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('All topics are as they must be');
    expect(front.served()).toBeGreaterThan(0);
  },
);

/** What provisioning says with other settings; it must fail. */
const refusal = async (changed: Readonly<Record<string, string>>): Promise<string> => {
  const { code, stderr } = await usagectl(['provision'], { ...environment, ...changed });
  expect(code).not.toBe(0);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  for (const { password } of [secured, front]) expect(stderr).not.toContain(password);
  return stderr;
};

test.each([
  ['a wrong password', { KAFKA_PASSWORD_FILE: '', KAFKA_PASSWORD: 'x' }, 'refuses user "usage"'],
  [
    'no login',
    { KAFKA_SASL_MECHANISM: '', KAFKA_USERNAME: '', KAFKA_PASSWORD_FILE: '' },
    'wants other settings',
  ],
  ['no TLS', { KAFKA_TLS: 'off', KAFKA_CA_FILE: '' }, 'wants other settings'],
  ["the system's authorities alone", { KAFKA_CA_FILE: '' }, 'set KAFKA_CA_FILE'],
])('brokers that are called with %s: one line says what to change', async (_, changed, says) => {
  expect(await refusal(changed)).toContain(says);
});

test.each([
  [
    'a wrong password',
    { CLICKHOUSE_PASSWORD_FILE: '', CLICKHOUSE_PASSWORD: 'x' },
    'set CLICKHOUSE_USER',
  ],
  ["the system's authorities alone", { CLICKHOUSE_CA_FILE: '' }, 'set CLICKHOUSE_CA_FILE'],
])(
  'a ClickHouse that is called with %s: one line says what to change',
  async (_, changed, says) => {
    expect(await refusal(changed)).toContain(says);
  },
);

test('certificates of another authority are not trusted', async () => {
  const { ca } = await localCertificates(join(directory, 'stranger'));
  expect(await refusal({ KAFKA_CA_FILE: ca })).toContain('is not trusted');
  expect(await refusal({ CLICKHOUSE_CA_FILE: ca })).toContain('is not trusted');
});

/** `npm run start:services`, on free ports. */
const startServices = async (): Promise<{
  child: ChildProcess;
  exited: Promise<ProcessExit>;
  printed: () => string;
}> => {
  const child = spawn(
    process.execPath,
    [END_WITH_PARENT, 'services/development/local/start.mjs', '--services-only'],
    {
      env: { ...process.env, NODE_OPTIONS: '', ...environment, PORT_BASE: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const exited = exitOf(child);
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString('utf8');
    });
  }
  await waitFor('the services run', () =>
    Promise.resolve(printed.includes('The services go on') || child.exitCode !== null),
  );
  return { child, exited, printed: () => printed };
};

test('all services run against them and nothing else does, and usage is counted', async () => {
  const { child, exited, printed } = await startServices();
  try {
    expect({ exitCode: child.exitCode, printed: printed() }).toMatchObject({ exitCode: null });
    const started = /Starting services … ([\w, -]+) \(/.exec(printed())?.[1] ?? '';
    expect(started.split(', ').toSorted()).toEqual(['aggregator', 'bridge', 'usage-api']);
    expect(printed()).not.toMatch(/Starting Kafka|Starting ClickHouse|Replaying/);
    const given = { ...environment, PORT_BASE: '0' };
    const replayed = await usagectl(['replay', 'samples/recorded-usage.json'], given);
    expect({ code: replayed.code, stderr: replayed.stderr }).toEqual({ code: 0, stderr: '' });
    const services = await waitFor('every record is counted', async () => {
      const { stdout } = await usagectl(['status', '--json'], given);
      const status = JSON.parse(stdout) as {
        services: { name: string; state: string }[];
        partitions: { state: string; accepted: string | number; source: string }[];
      };
      return status.partitions.some(({ state }) => state === 'sealed') && status.services;
    });
    expect(Object.fromEntries(services.map(({ name, state }) => [name, state]))).toMatchObject({
      aggregator: 'ready',
      bridge: 'ready',
      'usage-api': 'ready',
    });
    const [counted] = await (
      await stack.clickHouse.query({
        query: `SELECT toString(sum(event_count)) AS n FROM usage_hourly FINAL`,
        format: 'JSONEachRow',
      })
    ).json<{ n: string }>();
    expect(counted?.n).toBe('79');
  } finally {
    child.kill('SIGTERM');
    const { code } = await exited;
    expect(code).toBe(0);
  }
  const logs = join(directory, 'local/logs');
  const texts = await Promise.all(
    (await readdir(logs)).map((name) => readFile(join(logs, name), 'utf8')),
  );
  expect(texts.length).toBeGreaterThan(2);
  for (const { password } of [secured, front]) {
    for (const text of texts) expect(text).not.toContain(JSON.stringify(password).slice(1, -1));
  }
});

test('a service that is started alone takes the same settings', async () => {
  const service = await startService('aggregator', environment);
  expect(await service.address('health')).toMatch(/^http/);
  await service.stop();
  expect(await service.exited).toMatchObject({ code: 0 });
});
