import { z } from 'zod';
import {
  clickHouseSettings,
  kafkaSettings,
  optionalWholeNumber,
  parseEnvironment,
  providerSettings,
  wholeNumber,
  type Environment,
} from '../../shared/process/config.ts';
import { DEFAULT_PORTS } from '../../shared/process/default-ports.ts';
import { healthSettings } from '../../shared/process/health.ts';
import { signInSettings } from '../../shared/sign-in/sign-in-settings.ts';
import { UserError } from '../../shared/process/errors.ts';
import { providerNamesSettings } from '../simulated-cloud/provider-names.ts';
import { cloudSettings } from '../simulated-cloud/settings.ts';
import { parseFaults, type FaultPlan } from './faults/fault-plan.ts';

const settings = {
  ...kafkaSettings,
  ...clickHouseSettings,
  ...providerSettings,
  ...signInSettings,
  ...cloudSettings,
  ...providerNamesSettings,
  ...healthSettings(DEFAULT_PORTS.providers),
  /** Reports in an hour of the source; empty for one every nine seconds, or a little more often. */
  CLOUD_REPORTS_PER_HOUR: optionalWholeNumber(1, 3_600),
  /** Milliseconds without a successful report, although one is due, after which a provider is not ready. */
  CLOUD_STALL_MILLIS: wholeNumber(30_000, 100, 3_600_000),
  /** Faults that the providers make: see `faults/fault-plan.ts`. */
  CLOUD_FAULTS: z.string().default(''),
  CLOUD_FAULT_SEED: wholeNumber(1, 0, 2 ** 31),
};

export type ProvidersConfig = ReturnType<typeof parseEnvironment<typeof settings>> & {
  readonly faults: FaultPlan;
};

/** Settings of the simulated providers. */
export const readProvidersConfig = (environment: Environment): ProvidersConfig => {
  const config = parseEnvironment(settings, environment);
  const faults = parseFaults(config.CLOUD_FAULTS, config.CLOUD_FAULT_SEED);
  if (faults.ok) return { ...config, faults: faults.value };
  throw new UserError(`The settings cannot be used. CLOUD_FAULTS: ${faults.error}`);
};
