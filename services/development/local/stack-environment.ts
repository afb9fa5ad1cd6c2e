import { join, resolve } from 'node:path';
import type { Environment, ServiceUrls } from '../../shared/process/config.ts';
import { localUrl } from '../../shared/process/default-ports.ts';
import { OWNER_ONLY, replaceFile } from '../../shared/process/replace-file.ts';
import type { StackPorts } from './stack-ports.ts';

/** Settings of the stack, besides its addresses, that `usagectl` needs to find the same data. */
const TAKEN_OVER = [
  'CLICKHOUSE_CA_FILE',
  'CLICKHOUSE_USER',
  'CLICKHOUSE_PASSWORD',
  'CLICKHOUSE_PASSWORD_FILE',
  'CLICKHOUSE_DATABASE',
  'CLOUD_SEED',
  'CLOUD_SUBSCRIPTIONS',
  'COMMERCE_TOKEN',
  'COMMERCE_TOKEN_FILE',
  'KAFKA_CA_FILE',
  'KAFKA_PASSWORD',
  'KAFKA_PASSWORD_FILE',
  'KAFKA_REPLICATION_FACTOR',
  'KAFKA_SASL_MECHANISM',
  'KAFKA_TLS',
  'KAFKA_USERNAME',
  'PROVIDER_SUBSCRIPTION_ID',
  'USAGE_API_AUDIENCE',
  'USAGE_API_ISSUER',
  'USAGE_API_SIGN_IN',
  'USAGE_HOUR_MILLIS',
  'USAGE_TOPIC_PREFIX',
] as const;

/** The address of a server that listens on `host`; one that listens everywhere is called on loopback. */
const urlOn = (host: string | undefined, port: number, scheme = 'http'): string => {
  const given = host?.trim() ?? '';
  const everywhere: Readonly<Record<string, string>> = {
    '': '127.0.0.1',
    '0.0.0.0': '127.0.0.1',
    '::': '::1',
  };
  const name = everywhere[given] ?? given;
  return `${scheme}://${name.includes(':') ? `[${name}]` : name}:${String(port)}`;
};

/**
 * Where the services of the local stack are.
 * @param isSecure whether the usage API has a certificate
 */
export const serviceUrls = (
  ports: StackPorts,
  environment: Environment,
  isSecure: boolean,
): ServiceUrls => ({
  AGGREGATOR_HEALTH_URL: localUrl(ports.aggregatorHealth),
  BRIDGE_HEALTH_URL: localUrl(ports.bridgeHealth),
  COMPUTE_PROVIDER_URL: `${localUrl(ports.providers)}/compute`,
  STORAGE_PROVIDER_URL: `${localUrl(ports.providers)}/storage`,
  NETWORK_PROVIDER_URL: `${localUrl(ports.providers)}/network`,
  PLATFORM_PROVIDER_URL: `${localUrl(ports.providers)}/platform`,
  USAGE_API_URL: urlOn(environment['USAGE_API_HOST'], ports.usageApi, isSecure ? 'https' : 'http'),
  COMMERCE_URL: urlOn(environment['COMMERCE_HOST'], ports.commerce),
});

/** The settings that were given to the stack and apply to everyone who works with it. */
export const takenOver = (environment: Environment): Readonly<Record<string, string>> =>
  Object.fromEntries(
    TAKEN_OVER.flatMap((name) => {
      const value = environment[name]?.trim();
      if (!value) return [];
      // Whoever reads it may be in another directory.
      return [[name, name.endsWith('_FILE') ? resolve(value) : value]];
    }),
  );

const PLAIN = /^[\w.:/,@+=[\]-]*$/;

/** Quotes that a shell and Node's `parseEnv` read alike, unless the value itself holds such a quote. */
const quoted = (value: string): string => {
  if (PLAIN.test(value)) return value;
  const quote = ["'", '`', '"'].find((candidate) => !value.includes(candidate)) ?? "'";
  return `${quote}${value}${quote}`;
};

export const formatEnvironment = (environment: Readonly<Record<string, string>>): string =>
  Object.entries(environment)
    .map(([name, value]) => `${name}=${quoted(value)}\n`)
    .join('');

/** Writes the stack's settings to `stack.env`, for `usagectl`. */
export const writeStackEnvironment = (
  directory: string,
  environment: Readonly<Record<string, string>>,
): Promise<void> =>
  replaceFile(join(directory, 'stack.env'), formatEnvironment(environment), OWNER_ONLY);

/** Writes the login of ClickHouse for `curl --netrc-file`, so that no command line shows it. */
export const writeNetrc = async (
  directory: string,
  { CLICKHOUSE_USER, CLICKHOUSE_PASSWORD }: Readonly<Record<string, string>>,
): Promise<void> => {
  if (!CLICKHOUSE_USER || !CLICKHOUSE_PASSWORD) return; // it runs elsewhere
  const login = `login ${CLICKHOUSE_USER} password ${CLICKHOUSE_PASSWORD}`;
  await replaceFile(
    join(directory, 'netrc'),
    `machine 127.0.0.1 ${login}\nmachine localhost ${login}\n`,
    OWNER_ONLY,
  );
};
