import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadStackEnvironment } from './stack-environment.ts';

const LOCAL =
  'CLICKHOUSE_URL=http://127.0.0.1:1\nCLICKHOUSE_USER=u\nCLICKHOUSE_PASSWORD=p\nOTHER=o\n';
const NAMES = ['CLICKHOUSE_URL', 'CLICKHOUSE_USER', 'CLICKHOUSE_PASSWORD', 'OTHER'] as const;
const API = ['USAGE_API_URL', 'USAGE_API_TOKEN', 'USAGE_API_CA_FILE'] as const;

let directory: string;
const before = Object.fromEntries([...NAMES, ...API].map((name) => [name, process.env[name]]));

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stack-environment-'));
  for (const name of [...NAMES, ...API]) Reflect.deleteProperty(process.env, name);
});
afterEach(() => {
  rmSync(directory, { recursive: true });
  for (const name of [...NAMES, ...API]) Reflect.deleteProperty(process.env, name);
  for (const [name, value] of Object.entries(before)) {
    if (value !== undefined) process.env[name] = value;
  }
});

const load = (
  given: Readonly<Record<string, string>>,
  names: readonly string[] = NAMES,
  local: string = LOCAL,
): readonly (string | undefined)[] => {
  const path = join(directory, 'stack.env');
  writeFileSync(path, local);
  Object.assign(process.env, given);
  loadStackEnvironment(path);
  return names.map((name) => process.env[name]);
};

test('what the local stack has left is taken where nothing is set', () => {
  expect(load({})).toEqual(['http://127.0.0.1:1', 'u', 'p', 'o']);
});

test("the local server's password is not sent to a server that the environment names", () => {
  expect(load({ CLICKHOUSE_URL: 'https://db.example' })).toEqual([
    'https://db.example',
    undefined,
    undefined,
    'o',
  ]);
});

test('a password for another server is not sent to the local one', () => {
  expect(load({ CLICKHOUSE_PASSWORD: 'of the other', OTHER: 'mine' })).toEqual([
    'http://127.0.0.1:1',
    'u',
    'p',
    'mine',
  ]);
});

test("a login for brokers that the environment names is used there, and the local broker's is not", () => {
  const names = ['KAFKA_BROKERS', 'KAFKA_TLS', 'KAFKA_PASSWORD'];
  const local = 'KAFKA_BROKERS=127.0.0.1:1\nKAFKA_PASSWORD=local\n';
  try {
    const given = { KAFKA_BROKERS: 'kafka.example:9093', KAFKA_TLS: 'on' };
    expect(load(given, names, local)).toEqual(['kafka.example:9093', 'on', undefined]);
    for (const name of names) Reflect.deleteProperty(process.env, name);
    expect(load({ KAFKA_TLS: 'on' }, names, local)).toEqual(['127.0.0.1:1', undefined, 'local']);
  } finally {
    for (const name of names) Reflect.deleteProperty(process.env, name);
  }
});

test('a secret that the environment names by a file is not given a second time', () => {
  const names = ['USAGE_CONTROL_KEYS', 'USAGE_CONTROL_KEYS_FILE'];
  try {
    const given = { USAGE_CONTROL_KEYS_FILE: '/run/secrets/keys' };
    expect(load(given, names, 'USAGE_CONTROL_KEYS=local:00\n')).toEqual([
      undefined,
      '/run/secrets/keys',
    ]);
  } finally {
    for (const name of names) Reflect.deleteProperty(process.env, name);
  }
});

describe('the local usage API', () => {
  const local = 'USAGE_API_URL=https://127.0.0.1:2\nUSAGE_API_TOKEN=t\nUSAGE_API_CA_FILE=c\n';

  test('its token is not sent to an API that the environment names', () => {
    expect(load({ USAGE_API_URL: 'https://usage.example' }, API, local)).toEqual([
      'https://usage.example',
      undefined,
      undefined,
    ]);
  });

  test("a tenant's token may be set in place of its own", () => {
    for (const given of [{}, { USAGE_API_URL: 'https://127.0.0.1:2' }]) {
      expect(load({ ...given, USAGE_API_TOKEN: "a tenant's" }, API, local)).toEqual([
        'https://127.0.0.1:2',
        "a tenant's",
        'c',
      ]);
    }
  });
});
