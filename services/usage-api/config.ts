import { z } from 'zod';
import type { Keyring } from '../shared/model/control-record.ts';
import {
  clickHouseSettings,
  hourSettings,
  parseEnvironment,
  providerSettings,
  wholeNumber,
  type ClickHouseConfig,
  type Environment,
} from '../shared/process/config.ts';
import { UserError } from '../shared/process/errors.ts';
import { DEFAULT_PORTS } from '../shared/process/default-ports.ts';
import { optionalKeyring } from '../shared/process/keyring-setting.ts';
import { secretFile } from '../shared/process/secret-files.ts';
import { allowedHostSettings } from '../shared/http/allowed-hosts.ts';
import { listenProblem, tlsSettings, type ListenConfig } from './listen-config.ts';
import { signInSettings, type SignInConfig } from '../shared/sign-in/sign-in-settings.ts';

export interface UsageApiConfig extends ClickHouseConfig, SignInConfig, ListenConfig {
  /** 0 chooses a free port. */
  readonly USAGE_API_PORT: number;
  /** The beginning of links in answers; null for the address that the caller used. */
  readonly USAGE_API_PUBLIC_URL: string | null;
  readonly HTTP_ALLOWED_HOSTS: readonly string[];
  readonly PROVIDER_SUBSCRIPTION_ID: string;
  readonly USAGE_HOUR_MILLIS: number;
  /** They sign continuation tokens; null for a key of this process alone. */
  readonly USAGE_API_TOKEN_KEYS: Keyring | null;
  readonly USAGE_API_READS_PER_HOUR: number;
}

/** @throws UserError that lists every invalid setting */
export const readUsageApiConfig = (environment: Environment): UsageApiConfig => {
  const config = parseEnvironment(
    {
      ...clickHouseSettings,
      ...hourSettings,
      USAGE_API_PORT: wholeNumber(DEFAULT_PORTS.usageApi, 0, 65_535),
      USAGE_API_HOST: z.string().default('127.0.0.1'),
      ...tlsSettings,
      USAGE_API_PUBLIC_URL: z
        .string()
        .refine((text) => /^https?:\/\/[^@\s?#]+$/i.test(text) && URL.canParse(text), {
          message: 'must be an http or https URL without a user, password or query',
        })
        .transform((text) => text.replace(/\/+$/, ''))
        .optional()
        .transform((text) => text ?? null),
      ...allowedHostSettings,
      USAGE_API_TOKEN_KEYS: optionalKeyring,
      USAGE_API_TOKEN_KEYS_FILE: secretFile(),
      /** ARM gave a subscription 12,000. An export of a year, hour by hour, fits into this. */
      USAGE_API_READS_PER_HOUR: wholeNumber(36_000, 1, 1_000_000_000),
      ...providerSettings,
      ...signInSettings,
    },
    environment,
  );
  const problem = listenProblem(config);
  if (problem !== null) throw new UserError(`The settings cannot be used. ${problem}`);
  return config;
};
