import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  END_WITH_PARENT,
  exitOf,
  type ProcessExit,
} from '../../services/development/local/child-process.ts';
import type { LocalClickHouse } from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { localCertificates } from '../../services/development/local/certificates.ts';
import { startGrantedClickHouse } from '../support/granted-clickhouse.ts';
import { openHttpsFront, type HttpsFront } from '../support/https-front.ts';
import { grantTopicsAlone } from '../support/kafka/acls.ts';
import {
  openPlainly,
  startSecuredKafka,
  type SecuredKafka,
} from '../support/kafka/secured-kafka.ts';
import { startService, usagectl } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * Servers of one's own: brokers with TLS and a login, and a ClickHouse behind HTTPS with another user than
 * `default` (docs/own-servers.md).
 */
let directory: string;
let secured: SecuredKafka;
let front: HttpsFront;
let clickHouse: LocalClickHouse;
/** Nothing of the servers that the other tests share. */
let environment: Readonly<Record<string, string>>;

const fileWith = async (name: string, text: string): Promise<string> => {
  const path = join(directory, name);
  await writeFile(path, `${text}\n`, { mode: 0o600 });
  return path;
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'own-servers-'));
  [secured, clickHouse] = await Promise.all([
    startSecuredKafka(directory),
    startGrantedClickHouse(directory),
  ]);
  front = await openHttpsFront(directory, clickHouse);
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
    USAGE_CONTROL_KEYS_FILE: await fileWith('control-keys', `test:${'5a'.repeat(32)}`),
    USAGE_LOCAL_DIR: join(directory, 'local'),
  };
});

afterAll(async () => {
  await front.close();
  await Promise.all([secured.kafka.stop(), clickHouse.stop()]);
  await rm(directory, { recursive: true });
});

/** What provisioning says with other settings; it must fail. */
const refusal = async (changed: Readonly<Record<string, string>>): Promise<string> => {
  const { code, stderr } = await usagectl(['provision'], { ...environment, ...changed });
  expect(code).toBe(1);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  for (const { password } of [secured, front]) expect(stderr).not.toContain(password);
  return stderr;
};

test('a database without tables: one line says what to run', async () => {
  expect(await refusal({})).toContain('run "npx usagectl migrate"');
});

test('a database that the user may not create: one line says what to do', async () => {
  const { code, stderr } = await usagectl(['migrate'], {
    ...environment,
    CLICKHOUSE_DATABASE: 'another',
  });
  expect(code).toBe(1);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toContain('create it there, and grant the rights that docs/own-servers.md names');
});

test('tables are made with the rights of the documents', async () => {
  expect(await usagectl(['migrate'], environment)).toMatchObject({ code: 0, stderr: '' });
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

test.each([
  ['a wrong password', { KAFKA_PASSWORD_FILE: '', KAFKA_PASSWORD: 'x' }, 'refuses user "usage"'],
  [
    'no login',
    { KAFKA_SASL_MECHANISM: '', KAFKA_USERNAME: '', KAFKA_PASSWORD_FILE: '' },
    'wants other settings',
  ],
  ['no TLS', { KAFKA_TLS: 'off', KAFKA_CA_FILE: '' }, 'wants other settings'],
  ["the system's authorities alone", { KAFKA_CA_FILE: '' }, 'set KAFKA_CA_FILE'],
  [
    'a user without rights',
    { KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_USERNAME: 'stranger' },
    'grant the rights that docs/own-servers.md names',
  ],
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

test('a group that the user may not read ends a service with one line', async () => {
  expect(await usagectl(['provision'], environment)).toMatchObject({ code: 0 });
  await grantTopicsAlone(openPlainly(secured.kafka), `User:${secured.stranger}`);
  const asStranger = { KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_USERNAME: secured.stranger };
  const ended = await startService('aggregator', { ...environment, ...asStranger }).then(
    (service) => service.exited.then(({ code }) => ({ code, printed: service.output() })),
    (error: unknown) => ({ code: 1, printed: String(error) }),
  );
  expect(ended.code).toBe(1);
  expect(ended.printed.trim().split('\n').at(-1)).toMatch(
    /^aggregator: Kafka tells no coordinator of the group "usage-aggregator": grant the user /,
  );
});

/** `npm run start:services`, on free ports. */
const startServices = async (
  options: readonly string[],
  changed: Readonly<Record<string, string>> = {},
): Promise<{
  child: ChildProcess;
  exited: Promise<ProcessExit>;
  printed: () => string;
}> => {
  const child = spawn(
    process.execPath,
    [END_WITH_PARENT, 'services/development/local/start.mjs', '--services-only', ...options],
    {
      env: { ...process.env, NODE_OPTIONS: '', ...environment, PORT_BASE: '0', ...changed },
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

/** Those that it says it has started. */
const servicesOf = (printed: string): readonly string[] =>
  (/Starting services … ([\w, -]+) \(/.exec(printed)?.[1] ?? '').split(', ').toSorted();

test.each([
  ['a wrong password', { KAFKA_PASSWORD_FILE: '', KAFKA_PASSWORD: 'x' }, 'refuses user "usage"'],
  ['no authority of ClickHouse', { CLICKHOUSE_CA_FILE: '' }, 'set CLICKHOUSE_CA_FILE'],
])('the services do not start with %s, and one line says why', async (_, changed, says) => {
  const { exited, printed } = await startServices([], changed);
  expect(await exited).toMatchObject({ code: 1 });
  const told = printed().trim().split('\n');
  expect(told.at(-1)).toContain(says);
  expect(printed()).not.toMatch(/^ +at /m);
});

test('all services run against them and nothing else does, and usage is counted', async () => {
  const { child, exited, printed } = await startServices([]);
  try {
    expect({ exitCode: child.exitCode, printed: printed() }).toMatchObject({ exitCode: null });
    expect(servicesOf(printed())).toEqual(['aggregator', 'bridge', 'usage-api']);
    expect(printed()).not.toMatch(/Starting Kafka|Starting ClickHouse|Replaying/);
    const given = { ...environment, PORT_BASE: '0' };
    const replay = await usagectl(['replay', 'samples/recorded-usage.json'], given);
    expect({ code: replay.code, stderr: replay.stderr }).toEqual({ code: 0, stderr: '' });
    const services = await waitFor('every record is counted', async () => {
      const { stdout } = await usagectl(['status', '--json'], given);
      const status = JSON.parse(stdout) as {
        services: { name: string; state: string }[];
        partitions: { topic: string; lag: number | null }[];
      };
      const replayed = status.partitions.filter(({ topic }) => topic.startsWith('usage.history.'));
      const areCounted = replayed.length > 0 && replayed.every(({ lag }) => lag === 0);
      return areCounted && status.services;
    });
    expect(Object.fromEntries(services.map(({ name, state }) => [name, state]))).toMatchObject({
      aggregator: 'ready',
      bridge: 'ready',
      'usage-api': 'ready',
    });
    const audited = await usagectl(['audit', '--json'], given);
    expect(audited).toMatchObject({ code: 0, stderr: '' });
    expect(audited.stdout).toMatch(/"accepted": ?"?79\b/);
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

test('stand-ins run too where they are asked for, and what they report is counted', async () => {
  const { child, exited, printed } = await startServices([
    '--commerce-mock',
    '--simulated-providers',
  ]);
  try {
    expect({ exitCode: child.exitCode, printed: printed() }).toMatchObject({ exitCode: null });
    expect(servicesOf(printed())).toEqual(['aggregator', 'bridge', 'commerce', 'usage-api']);
    expect(printed()).toContain('Starting the providers');
    expect(printed()).not.toMatch(/Starting Kafka|Starting ClickHouse|Replaying/);
    const given = { ...environment, PORT_BASE: '0' };
    await waitFor('live usage is counted', async () => {
      const { stdout } = await usagectl(['status', '--json'], given);
      const { partitions } = JSON.parse(stdout) as {
        partitions: { state: string; accepted: string | number }[];
      };
      return partitions.some(({ state, accepted }) => state !== 'sealed' && Number(accepted) > 0);
    });
    const epoch = ['epoch', 'new', 'usage.events.network', '--reason', 'a test of rights'];
    expect(await usagectl(epoch, given)).toMatchObject({ code: 0, stderr: '' });
    const { stdout: sources } = await usagectl(['sources', 'list'], given);
    const imported = /usage\.history\.[0-9a-f]+/.exec(sources)?.[0] ?? '';
    const hour = ['--from', '2019-12-10T19:00:00Z', '--to', '2019-12-10T20:00:00Z'];
    expect(await usagectl(['rebuild', imported, '--from-log', ...hour], given)).toMatchObject({
      code: 0,
      stderr: '',
    });
  } finally {
    child.kill('SIGTERM');
    expect(await exited).toMatchObject({ code: 0 });
  }
});

test('a service that is started alone takes the same settings', async () => {
  const service = await startService('aggregator', environment);
  expect(await service.address('health')).toMatch(/^http/);
  await service.stop();
  expect(await service.exited).toMatchObject({ code: 0 });
});
