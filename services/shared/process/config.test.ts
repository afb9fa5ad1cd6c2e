import {
  clickHouseSettings,
  controlKeySettings,
  hourSettings,
  kafkaSettings,
  logSettings,
  parseEnvironment,
  wholeNumber,
  type Environment,
} from './config.ts';
import { UserError } from './errors.ts';

const SECRET = '00112233445566778899aabbccddeeff';

test('what is not set, or set to nothing, has its default', () => {
  const defaults = {
    KAFKA_BROKERS: ['127.0.0.1:9092'],
    KAFKA_TLS: 'off',
    KAFKA_MAX_BATCH_MIB: 128,
    KAFKA_REPLICATION_FACTOR: 1,
    USAGE_TOPIC_PREFIX: 'usage',
    CLICKHOUSE_URL: 'http://127.0.0.1:8123',
    CLICKHOUSE_USER: 'default',
    CLICKHOUSE_PASSWORD: '',
    CLICKHOUSE_DATABASE: 'usage',
    USAGE_HOUR_MILLIS: 3_600_000,
    LOG_LEVEL: 'info',
  };
  const shape = { ...kafkaSettings, ...clickHouseSettings, ...hourSettings, ...logSettings };
  expect(parseEnvironment(shape, {})).toEqual(defaults);
  const empty = Object.fromEntries(Object.keys(defaults).map((name) => [name, ' ']));
  expect(parseEnvironment(shape, empty)).toEqual(defaults);
});

test('every problem is named at once, and no value is repeated', () => {
  const environment = {
    KAFKA_BROKERS: 'nowhere',
    KAFKA_REPLICATION_FACTOR: '0',
    USAGE_TOPIC_PREFIX: 'a b',
    USAGE_CONTROL_KEYS: `main:${SECRET}zz`,
  };
  const parse = (): unknown =>
    parseEnvironment({ ...kafkaSettings, ...controlKeySettings }, environment);
  expect(parse).toThrow(UserError);
  let message = '';
  try {
    parse();
  } catch (error) {
    message = (error as Error).message;
  }
  for (const name of Object.keys(environment)) expect(message).toContain(`${name}: must`);
  for (const value of ['nowhere', 'a b', SECRET]) expect(message).not.toContain(value);
  expect(message).not.toContain('\n');
});

const accepts = (environment: Environment): boolean => {
  const shape = {
    ...kafkaSettings,
    ...clickHouseSettings,
    ...hourSettings,
    ...logSettings,
    N: wholeNumber(5, 1, 10),
  };
  try {
    parseEnvironment(shape, environment);
    return true;
  } catch {
    return false;
  }
};

test.each<[Environment, boolean]>([
  [{ KAFKA_BROKERS: 'a:1, b.example:65535' }, true],
  [{ KAFKA_BROKERS: '[::1]:9092' }, true],
  [{ KAFKA_BROKERS: 'a:1,' }, false],
  [{ KAFKA_BROKERS: 'kafka://a:1' }, false],
  [{ KAFKA_BROKERS: 'a' }, false],
  [{ CLICKHOUSE_URL: 'https://example.org:8443' }, true],
  [{ CLICKHOUSE_URL: 'http://user:password@example.org' }, false],
  [{ CLICKHOUSE_URL: 'tcp://example.org' }, false],
  [{ CLICKHOUSE_URL: 'http://' }, false],
  [{ CLICKHOUSE_DATABASE: 'usage_2' }, true],
  [{ CLICKHOUSE_DATABASE: '2usage' }, false],
  [{ CLICKHOUSE_DATABASE: 'a;DROP' }, false],
  [{ USAGE_HOUR_MILLIS: '2000' }, true],
  [{ USAGE_HOUR_MILLIS: '1500' }, false],
  [{ USAGE_HOUR_MILLIS: '7000' }, false],
  [{ USAGE_HOUR_MILLIS: '7200000' }, false],
  [{ LOG_LEVEL: 'silent' }, true],
  [{ LOG_LEVEL: 'loud' }, false],
  [{ N: '10' }, true],
  [{ N: '11' }, false],
  [{ N: '0' }, false],
  [{ N: '1e0' }, false],
  [{ N: '-1' }, false],
  [{ N: '5.0' }, false],
])('%j: %s', (environment, accepted) => {
  expect(accepts(environment)).toBe(accepted);
});

describe('the keys of control records', () => {
  const keys = (text: string | undefined): unknown =>
    parseEnvironment(controlKeySettings, { USAGE_CONTROL_KEYS: text }).USAGE_CONTROL_KEYS;

  test('are read in their order', () => {
    expect(keys(`main:${SECRET}, old.1:${SECRET.toUpperCase()}`)).toEqual([
      { id: 'main', secret: Buffer.from(SECRET, 'hex') },
      { id: 'old.1', secret: Buffer.from(SECRET, 'hex') },
    ]);
  });

  test('must be given', () => {
    expect(() => keys(undefined)).toThrow('USAGE_CONTROL_KEYS: is not set');
  });

  test.each([
    ['a short secret', `main:${SECRET.slice(2)}`],
    ['half a byte', `main:${SECRET}0`],
    ['no id', `:${SECRET}`],
    ['no secret', 'main'],
    ['an id twice', `a:${SECRET},a:${SECRET}`],
    ['a comma at the end', `a:${SECRET},`],
    ['an id with a space', `a b:${SECRET}`],
  ])('are refused with %s', (_, text) => {
    expect(() => keys(text)).toThrow('USAGE_CONTROL_KEYS: must be id:secret');
  });
});
