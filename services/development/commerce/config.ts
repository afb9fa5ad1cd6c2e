import { isIP } from 'node:net';
import { z } from 'zod';
import {
  hourSettings,
  parseEnvironment,
  wholeNumber,
  type Environment,
} from '../../shared/process/config.ts';
import { DEFAULT_PORTS } from '../../shared/process/default-ports.ts';
import { UserError } from '../../shared/process/errors.ts';
import { secretFile } from '../../shared/process/secret-files.ts';
import { allowedHostSettings } from '../../shared/http/allowed-hosts.ts';
import { isLoopback } from '../../shared/http/host-name.ts';
import { inRepository } from '../../shared/process/repository.ts';
import type { Client } from './sign-in/token-request.ts';

const commerceSettings = {
  /** Where to listen. Anything but loopback needs COMMERCE_TOKEN. */
  COMMERCE_HOST: z
    .string()
    .default('127.0.0.1')
    .refine((text) => isIP(text) !== 0, { message: 'must be an IP address' }),
  /** 0 takes any free port. */
  COMMERCE_PORT: wholeNumber(DEFAULT_PORTS.commerce, 0, 65_535),
  /** Holds what was accepted; one process at a time. */
  COMMERCE_DATA_DIR: z.string().default('.local/data/commerce'),
  /**
   * Usage that took effect more hours ago than this is `Expired`; 0 accepts any age. These are hours
   * of USAGE_HOUR_MILLIS, so that a test with short hours reaches the limit.
   */
  COMMERCE_MAX_AGE_HOURS: wholeNumber(24, 0, 1_000_000),
  /** A fixed bearer token for callers. With neither it nor a client nobody needs a token. */
  COMMERCE_TOKEN: z.string().optional(),
  COMMERCE_TOKEN_FILE: secretFile(),
  /** The application that may sign in, its secret, and its directory: all three, or none. */
  COMMERCE_CLIENT_ID: z.string().optional(),
  COMMERCE_CLIENT_SECRET: z.string().optional(),
  COMMERCE_CLIENT_SECRET_FILE: secretFile(),
  COMMERCE_TENANT_ID: z.string().optional(),
  /** How long an access token is good. */
  COMMERCE_TOKEN_SECONDS: wholeNumber(3_600, 1, 86_400),
  /** The registrations that Azure knows, and the subscriptions of possible customers. */
  COMMERCE_REGISTRATIONS_FILE: z
    .string()
    .default(inRepository('samples/commerce-registrations.json')),
  /** The price list of the billing portal. */
  COMMERCE_RATES_FILE: z.string().default(inRepository('samples/commerce-rates.json')),
  /** `catalog`: only billable meters are dimensions; `any`: everything is. */
  COMMERCE_DIMENSIONS: z
    .enum(['catalog', 'any'], { error: 'must be catalog or any' })
    .default('catalog'),
  /** `on` adds the routes /faults and /clock, by which a test makes the service misbehave and sets its clock. */
  COMMERCE_FAULTS: z.enum(['on', 'off'], { error: 'must be on or off' }).default('off'),
  /** With COMMERCE_FAULTS=on: a mix of faults from the start, which follows from this text. */
  COMMERCE_FAULT_SEED: z.string().optional(),
  ...allowedHostSettings,
  ...hourSettings,
};

export interface CommerceConfig {
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
  readonly dataDirectory: string;
  /** Null for any age. */
  readonly maxAgeMillis: number | null;
  readonly token: string | null;
  readonly client: Client | null;
  readonly tokenSeconds: number;
  readonly registrationsFile: string;
  readonly ratesFile: string;
  readonly knownDimensionsOnly: boolean;
  readonly faults: boolean;
  /** Null for no mix of faults from the start. */
  readonly faultSeed: string | null;
  readonly hourMillis: number;
}

/** @throws UserError that names every setting that cannot be used. */
export const readCommerceConfig = (environment: Environment): CommerceConfig => {
  const settings = parseEnvironment(commerceSettings, environment);
  const { COMMERCE_HOST: host, COMMERCE_MAX_AGE_HOURS: maxAge } = settings;
  const token = settings.COMMERCE_TOKEN ?? null;
  const client = clientOf(settings);
  if (token === null && client === null && !isLoopback(host)) {
    throw cannotUse(
      'COMMERCE_TOKEN: must be set where COMMERCE_HOST is not a loopback address, or COMMERCE_CLIENT_ID, COMMERCE_CLIENT_SECRET and COMMERCE_TENANT_ID',
    );
  }
  const faults = settings.COMMERCE_FAULTS === 'on';
  if (!faults && settings.COMMERCE_FAULT_SEED !== undefined) {
    throw cannotUse('COMMERCE_FAULT_SEED: has no effect unless COMMERCE_FAULTS is on');
  }
  return {
    host,
    port: settings.COMMERCE_PORT,
    allowedHosts: settings.HTTP_ALLOWED_HOSTS,
    dataDirectory: settings.COMMERCE_DATA_DIR,
    maxAgeMillis: maxAge === 0 ? null : maxAge * settings.USAGE_HOUR_MILLIS,
    token,
    client,
    tokenSeconds: settings.COMMERCE_TOKEN_SECONDS,
    registrationsFile: settings.COMMERCE_REGISTRATIONS_FILE,
    ratesFile: settings.COMMERCE_RATES_FILE,
    knownDimensionsOnly: settings.COMMERCE_DIMENSIONS === 'catalog',
    faults,
    faultSeed: settings.COMMERCE_FAULT_SEED ?? null,
    hourMillis: settings.USAGE_HOUR_MILLIS,
  };
};

const cannotUse = (problem: string): UserError =>
  new UserError(`The settings cannot be used. ${problem}`);

const clientOf = ({
  COMMERCE_CLIENT_ID: clientId,
  COMMERCE_CLIENT_SECRET: secret,
  COMMERCE_TENANT_ID: tenantId,
}: {
  readonly COMMERCE_CLIENT_ID?: string | undefined;
  readonly COMMERCE_CLIENT_SECRET?: string | undefined;
  readonly COMMERCE_TENANT_ID?: string | undefined;
}): Client | null => {
  if (clientId === undefined && secret === undefined && tenantId === undefined) return null;
  if (clientId !== undefined && secret !== undefined && tenantId !== undefined) {
    return { clientId, secret, tenantId };
  }
  throw cannotUse(
    'COMMERCE_CLIENT_ID, COMMERCE_CLIENT_SECRET, COMMERCE_TENANT_ID: set all three, or none',
  );
};
