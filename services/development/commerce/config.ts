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
import { allowedHostSettings } from '../../shared/http/allowed-hosts.ts';
import { isLoopback } from '../../shared/http/host-name.ts';

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
  /** The bearer token that callers must present; not set: no authorization. */
  COMMERCE_TOKEN: z.string().optional(),
  /** `catalog`: only billable meters are dimensions; `any`: everything is. */
  COMMERCE_DIMENSIONS: z
    .enum(['catalog', 'any'], { error: 'must be catalog or any' })
    .default('catalog'),
  /** `on` adds the routes under /faults, by which a test makes the service misbehave. */
  COMMERCE_FAULTS: z.enum(['on', 'off'], { error: 'must be on or off' }).default('off'),
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
  readonly knownDimensionsOnly: boolean;
  readonly faults: boolean;
  readonly hourMillis: number;
}

/** @throws UserError that names every setting that cannot be used. */
export const readCommerceConfig = (environment: Environment): CommerceConfig => {
  const settings = parseEnvironment(commerceSettings, environment);
  const { COMMERCE_HOST: host, COMMERCE_MAX_AGE_HOURS: maxAge } = settings;
  const token = settings.COMMERCE_TOKEN ?? null;
  if (token === null && !isLoopback(host)) {
    throw new UserError(
      'The settings cannot be used. COMMERCE_TOKEN: must be set where COMMERCE_HOST is not a loopback address',
    );
  }
  return {
    host,
    port: settings.COMMERCE_PORT,
    allowedHosts: settings.HTTP_ALLOWED_HOSTS,
    dataDirectory: settings.COMMERCE_DATA_DIR,
    maxAgeMillis: maxAge === 0 ? null : maxAge * settings.USAGE_HOUR_MILLIS,
    token,
    knownDimensionsOnly: settings.COMMERCE_DIMENSIONS === 'catalog',
    faults: settings.COMMERCE_FAULTS === 'on',
    hourMillis: settings.USAGE_HOUR_MILLIS,
  };
};
