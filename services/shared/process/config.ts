import { z } from 'zod';
import { DEFAULT_PORTS, localUrl } from './default-ports.ts';
import { UserError } from './errors.ts';
import { keyring } from './keyring-setting.ts';
import { secretFile, withSecretFiles } from './secret-files.ts';
import { isSubscriptionId } from '../model/subscription-id.ts';
import { HOUR_MILLIS } from '../model/time.ts';
import {
  BROKER_ADDRESS,
  KAFKA_MECHANISMS,
  type KafkaSecurityConfig,
} from '../kafka/security-config.ts';

/**
 * Settings come from the environment and are parsed once at the start. All problems are reported together.
 * A service combines the pieces that it needs:
 *
 *     const config = parseEnvironment({ ...kafkaSettings, PORT: wholeNumber(8080, 1, 65_535) });
 */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings of a shape. An empty variable counts as not set, and a secret may stand in a file.
 * @throws UserError that lists every problem, but repeats no value, because it may be a secret
 */
export const parseEnvironment = <Shape extends z.ZodRawShape>(
  shape: Shape,
  environment: Environment = process.env,
): z.output<z.ZodObject<Shape>> => {
  const given = Object.fromEntries(
    Object.keys(shape).map((name) => [name, environment[name]?.trim() || undefined]),
  );
  const { values, problems } = withSecretFiles(shape, given);
  const result = z.object(shape).safeParse(values);
  if (result.success && problems.length === 0) return result.data;
  // A secret that could not be read is no second problem.
  const unread = problems.map(({ secret }) => secret);
  const others = (result.error?.issues ?? [])
    .filter(({ path }) => !unread.includes(path.join('.')))
    .map(({ path, message }) => `${path.join('.')}: ${message}`);
  const all = [...problems.map(({ text }) => text), ...others];
  throw new UserError(`The settings cannot be used. ${all.join('; ')}`);
};

/** A whole number from `min` to `max`; `fallback` if it is not set. */
export const wholeNumber = (
  fallback: number,
  min: number,
  max: number,
): z.ZodType<number, string | undefined> => {
  const { holds, message } = between(min, max);
  return z.string().default(String(fallback)).refine(holds, { message }).transform(Number);
};

/** The same; null if it is not set. */
export const optionalWholeNumber = (
  min: number,
  max: number,
): z.ZodType<number | null, string | undefined> => {
  const { holds, message } = between(min, max);
  return z
    .string()
    .optional()
    .refine((text) => text === undefined || holds(text), { message })
    .transform((text) => (text === undefined ? null : Number(text)));
};

const between = (min: number, max: number) => ({
  holds: (text: string): boolean =>
    /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max,
  message: `must be a whole number from ${String(min)} to ${String(max)}`,
});

const matching = (
  fallback: string,
  pattern: RegExp,
  message: string,
): z.ZodType<string, string | undefined> =>
  z
    .string()
    .default(fallback)
    .refine((text) => pattern.test(text), { message });

const brokers = z
  .string()
  .default(`127.0.0.1:${String(DEFAULT_PORTS.kafka)}`)
  .transform((text) => text.split(',').map((broker) => broker.trim()))
  .refine((list) => list.every((broker) => BROKER_ADDRESS.test(broker)), {
    message: 'must be host:port; separate several by commas',
  });

const onOrOff = (fallback: 'on' | 'off'): z.ZodType<'on' | 'off', string | undefined> =>
  z
    .string()
    .default(fallback)
    .pipe(z.enum(['on', 'off'], { error: 'must be on or off' }));

/** How a client reaches brokers that want TLS or a login: see docs/own-servers.md. */
const kafkaSecuritySettings = {
  KAFKA_TLS: onOrOff('off'),
  /** Certificates in PEM that are trusted instead of the system's. */
  KAFKA_CA_FILE: z.string().optional(),
  KAFKA_SASL_MECHANISM: z
    .string()
    .optional()
    .transform((text) => text?.toUpperCase())
    .pipe(
      z
        .enum(KAFKA_MECHANISMS, { error: `must be one of ${KAFKA_MECHANISMS.join(', ')}` })
        .optional(),
    ),
  KAFKA_USERNAME: z.string().optional(),
  KAFKA_PASSWORD: z.string().optional(),
  KAFKA_PASSWORD_FILE: secretFile(),
};

export const kafkaSettings = {
  KAFKA_BROKERS: brokers,
  ...kafkaSecuritySettings,
  /** The replicas of each partition of a new topic. */
  KAFKA_REPLICATION_FACTOR: wholeNumber(1, 1, 32),
  /** The first part of every topic's name. */
  USAGE_TOPIC_PREFIX: matching(
    'usage',
    /^[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,99}$/,
    'must have 1 to 100 letters, digits, ".", "_" or "-"',
  ),
  /** Memory that one batch of records may take when it is read, in MiB. */
  KAFKA_MAX_BATCH_MIB: wholeNumber(128, 1, 2048),
};

export const clickHouseSettings = {
  CLICKHOUSE_URL: z
    .string()
    .default(localUrl(DEFAULT_PORTS.clickHouse))
    .refine((text) => /^https?:\/\/[^@\s]+$/.test(text) && URL.canParse(text), {
      message: 'must be an http or https URL without a user or password',
    }),
  CLICKHOUSE_USER: z.string().default('default'),
  CLICKHOUSE_PASSWORD: z.string().default(''),
  CLICKHOUSE_PASSWORD_FILE: secretFile(),
  /** Certificates in PEM that are trusted instead of the system's. */
  CLICKHOUSE_CA_FILE: z.string().optional(),
  CLICKHOUSE_DATABASE: matching(
    'usage',
    /^[A-Za-z_][A-Za-z0-9_]{0,62}$/,
    'must have 1 to 63 letters, digits or "_", no digit first',
  ),
};

export const controlKeySettings = {
  USAGE_CONTROL_KEYS: keyring,
  USAGE_CONTROL_KEYS_FILE: secretFile(),
};

/** What a fold keeps in memory for a partition, in MiB. */
export const foldSettings = {
  /** Bound on its id tables. */
  AGGREGATOR_INDEX_MIB: wholeNumber(512, 1, 65_536),
  /** Bound on its windows of the open hour; others are read again when needed. */
  AGGREGATOR_WINDOWS_MIB: wholeNumber(256, 1, 65_536),
};

/** The same in bytes. */
export const foldBounds = (config: {
  readonly AGGREGATOR_INDEX_MIB: number;
  readonly AGGREGATOR_WINDOWS_MIB: number;
}): { readonly indexMaxBytes: number; readonly windowsMaxBytes: number } => ({
  indexMaxBytes: config.AGGREGATOR_INDEX_MIB * 1024 * 1024,
  windowsMaxBytes: config.AGGREGATOR_WINDOWS_MIB * 1024 * 1024,
});

export const hourSettings = {
  /** The length of an hour in milliseconds, for tests. Sources keep the length with which they began. */
  USAGE_HOUR_MILLIS: wholeNumber(HOUR_MILLIS, 1000, HOUR_MILLIS).refine(
    (value) => value % 1000 === 0 && HOUR_MILLIS % value === 0,
    { message: 'must be full seconds, and must divide an hour' },
  ),
};

/** The provider subscription in the recordings of samples/. */
const RECORDED_PROVIDER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';

export const providerSettings = {
  /** The subscription of this stamp's operator: the default provider. */
  PROVIDER_SUBSCRIPTION_ID: z
    .string()
    .default(RECORDED_PROVIDER)
    .refine(isSubscriptionId, { message: 'must be a subscription id: a GUID' }),
};

const WEB_ADDRESS = /^https?:\/\/[^@\s?#]+$/;
const ADDRESS_RULE = 'must be an http or https URL without a user, password or query';

/** The address of a service, without a slash at its end. */
const serviceUrl = (port: number, path = ''): z.ZodType<string, string | undefined> =>
  z
    .string()
    .default(`${localUrl(port)}${path}`)
    .refine((text) => WEB_ADDRESS.test(text) && URL.canParse(text), { message: ADDRESS_RULE })
    .transform((text) => text.replace(/\/+$/, ''));

export const commerceSettings = {
  COMMERCE_URL: serviceUrl(DEFAULT_PORTS.commerce),
  /** Bearer token for Commerce, if COMMERCE_CLIENT_ID is not set. */
  COMMERCE_TOKEN: z.string().optional(),
  COMMERCE_TOKEN_FILE: secretFile(),
  /** The application that signs in to Commerce with its secret (OAuth's client credentials). */
  COMMERCE_CLIENT_ID: z.string().optional(),
  COMMERCE_CLIENT_SECRET: z.string().optional(),
  /** The secret in a file, which is read again for each token. */
  COMMERCE_CLIENT_SECRET_FILE: z.string().optional(),
  /** The directory of the application: its token endpoint is Microsoft Entra's for this tenant. */
  COMMERCE_TENANT_ID: z.string().optional(),
  /** Another token endpoint. */
  COMMERCE_TOKEN_URL: z
    .string()
    .optional()
    .refine((text) => text === undefined || (WEB_ADDRESS.test(text) && URL.canParse(text)), {
      message: ADDRESS_RULE,
    }),
  /** What the token is for: the metering service. */
  COMMERCE_RESOURCE: z.string().default('20e940b3-4c77-4b0b-9a53-9e16a1b010a7'),
};

export type CommerceConfig = z.output<z.ZodObject<typeof commerceSettings>>;

/** The doors of the simulated providers. One process may have several, each under its own name. */
export const providerUrlSettings = {
  COMPUTE_PROVIDER_URL: serviceUrl(DEFAULT_PORTS.providers, '/compute'),
  STORAGE_PROVIDER_URL: serviceUrl(DEFAULT_PORTS.providers, '/storage'),
  NETWORK_PROVIDER_URL: serviceUrl(DEFAULT_PORTS.providers, '/network'),
  PLATFORM_PROVIDER_URL: serviceUrl(DEFAULT_PORTS.providers, '/platform'),
};

/**
 * The health page of each service. `npm start` writes the addresses of its own services to `stack.env`.
 */
export const serviceUrlSettings = {
  AGGREGATOR_HEALTH_URL: serviceUrl(DEFAULT_PORTS.aggregatorHealth),
  BRIDGE_HEALTH_URL: serviceUrl(DEFAULT_PORTS.bridgeHealth),
  ...providerUrlSettings,
  USAGE_API_URL: serviceUrl(DEFAULT_PORTS.usageApi),
  COMMERCE_URL: commerceSettings.COMMERCE_URL,
};

/** Where commands read usage, and with what. */
export const usageClientSettings = {
  USAGE_API_URL: serviceUrlSettings.USAGE_API_URL,
  /** Bearer token for the usage API. */
  USAGE_API_TOKEN: z.string().optional(),
  USAGE_API_TOKEN_FILE: secretFile(),
  /** Certificates in PEM that are trusted instead of the system's. */
  USAGE_API_CA_FILE: z.string().optional(),
};

export interface ServiceUrls {
  readonly AGGREGATOR_HEALTH_URL: string;
  readonly BRIDGE_HEALTH_URL: string;
  readonly COMPUTE_PROVIDER_URL: string;
  readonly STORAGE_PROVIDER_URL: string;
  readonly NETWORK_PROVIDER_URL: string;
  readonly PLATFORM_PROVIDER_URL: string;
  readonly USAGE_API_URL: string;
  readonly COMMERCE_URL: string;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export const logSettings = {
  LOG_LEVEL: z
    .enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` })
    .default('info'),
};

export interface KafkaConfig extends KafkaSecurityConfig {
  readonly KAFKA_BROKERS: readonly string[];
  readonly KAFKA_REPLICATION_FACTOR: number;
  readonly USAGE_TOPIC_PREFIX: string;
  readonly KAFKA_MAX_BATCH_MIB: number;
}

export interface ClickHouseConfig {
  readonly CLICKHOUSE_URL: string;
  readonly CLICKHOUSE_USER: string;
  readonly CLICKHOUSE_PASSWORD: string;
  readonly CLICKHOUSE_CA_FILE?: string | undefined;
  readonly CLICKHOUSE_DATABASE: string;
}
