import { z } from 'zod';
import {
  clickHouseSettings,
  commerceSettings,
  controlKeySettings,
  hourSettings,
  kafkaSettings,
  parseEnvironment,
  wholeNumber,
  type Environment,
} from '../shared/process/config.ts';
import { DEFAULT_PORTS } from '../shared/process/default-ports.ts';
import { healthSettings } from '../shared/process/health.ts';

/** Settings of the bridge; the shared ones are described in `services/shared/process/config.ts`. */
export const readBridgeConfig = (environment: Environment) =>
  parseEnvironment(
    {
      ...kafkaSettings,
      ...clickHouseSettings,
      ...controlKeySettings,
      ...hourSettings,
      ...commerceSettings,
      ...healthSettings(DEFAULT_PORTS.bridgeHealth),
      /** Says how the stamp is registered; not set: nothing is sent, everything is collected. */
      COMMERCE_REGISTRATION_FILE: z.string().optional(),
      /** Milliseconds after which a request to Commerce is given up and sent again. */
      BRIDGE_REQUEST_MILLIS: wholeNumber(30_000, 100, 600_000),
      /** Longest pause between two tries, in milliseconds. */
      BRIDGE_RETRY_MILLIS: wholeNumber(60_000, 10, 3_600_000),
      /** Milliseconds after which a checkpoint follows what has been folded. */
      BRIDGE_FLUSH_MILLIS: wholeNumber(1_000, 10, 60_000),
      /** Milliseconds without a heartbeat after which the group gives its partitions to others. */
      BRIDGE_SESSION_MILLIS: wholeNumber(10_000, 1_000, 300_000),
      /** Milliseconds between looks at the register of sources. */
      BRIDGE_SOURCES_MILLIS: wholeNumber(5_000, 50, 600_000),
      /** Milliseconds without progress, although there is work, after which it is not ready. */
      BRIDGE_STALL_MILLIS: wholeNumber(30_000, 100, 3_600_000),
      /** Milliseconds between checks that each log is still the one that was folded. */
      BRIDGE_VERIFY_MILLIS: wholeNumber(60_000, 100, 3_600_000),
    },
    environment,
  );
