import { z } from 'zod';
import {
  clickHouseSettings,
  commerceSettings,
  controlKeySettings,
  foldSettings,
  hourSettings,
  kafkaSettings,
  parseEnvironment,
  providerSettings,
  providerUrlSettings,
  serviceUrlSettings,
  usageClientSettings,
} from '../shared/process/config.ts';
import { cloudSettings } from '../development/simulated-cloud/settings.ts';
import { LOCAL_AUDIENCE, LOCAL_ISSUER } from '../shared/sign-in/local-sign-in.ts';

/** The settings of commands that change sources. */
export const readChangeConfig = () =>
  parseEnvironment({
    ...kafkaSettings,
    ...clickHouseSettings,
    ...controlKeySettings,
    ...hourSettings,
    ...providerSettings,
  });

/** The settings of `simulate`, which is about the cloud of the live providers if nothing else is said. */
export const readSimulationConfig = () =>
  parseEnvironment({
    ...kafkaSettings,
    ...clickHouseSettings,
    ...controlKeySettings,
    ...hourSettings,
    ...providerSettings,
    ...cloudSettings,
  });

/** The settings of commands that carry usage into a later hour. */
export const readCarryConfig = () =>
  parseEnvironment({
    ...kafkaSettings,
    ...clickHouseSettings,
    ...controlKeySettings,
    ...hourSettings,
    ...commerceSettings,
  });

/** The settings of a repair, which folds the log again. */
export const readRepairConfig = () =>
  parseEnvironment({
    ...kafkaSettings,
    ...clickHouseSettings,
    ...controlKeySettings,
    ...foldSettings,
  });

/** The settings of commands that only read. */
export const readViewConfig = () => parseEnvironment({ ...kafkaSettings, ...clickHouseSettings });

/** The settings of `status`, which also asks the services. */
export const readStatusConfig = () =>
  parseEnvironment({
    ...kafkaSettings,
    ...clickHouseSettings,
    ...hourSettings,
    ...serviceUrlSettings,
  });

/** The settings that decide which tokens the usage API of this stack accepts. */
export const readTokenConfig = () =>
  parseEnvironment({
    ...providerSettings,
    USAGE_API_ISSUER: z.string().default(LOCAL_ISSUER),
    USAGE_API_AUDIENCE: z.string().default(LOCAL_AUDIENCE),
  });

/** The settings of what reads windows of usage. */
export const readUsageConfig = () =>
  parseEnvironment({ ...clickHouseSettings, ...hourSettings, ...providerSettings });

/** The settings of commands about the stamp's registration with Azure. */
export const readRegistrationConfig = () =>
  parseEnvironment({
    ...clickHouseSettings,
    ...commerceSettings,
    COMMERCE_REGISTRATION_FILE: z.string().optional(),
  });

/** The settings of commands that work on the directory of subscriptions. */
export const readDirectoryConfig = () =>
  parseEnvironment({ ...clickHouseSettings, ...providerSettings });

/** The settings of commands that act on the simulated cloud. */
export const readResourcesConfig = () =>
  parseEnvironment({
    ...providerUrlSettings,
    ...providerSettings,
    USAGE_API_TOKEN: usageClientSettings.USAGE_API_TOKEN,
    USAGE_API_AUDIENCE: z.string().default(LOCAL_AUDIENCE),
  });
