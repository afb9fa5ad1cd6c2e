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
      /**
       * The file that describes the stamp's registration. If it is not set, nothing is sent and everything
       * is collected.
       */
      COMMERCE_REGISTRATION_FILE: z.string().optional(),
      /** Whether submissions say what Azure shows of a stamp's usage, which the metering service does not document. */
      COMMERCE_ADDITIONAL_INFO: z.enum(['on', 'off'], { error: 'must be on or off' }).default('on'),
      /** `on`: compose, and record what would be sent, and send nothing. */
      BRIDGE_DRY_RUN: z.enum(['on', 'off'], { error: 'must be on or off' }).default('off'),
      /** The most requests to Commerce in flight at once, of all partitions of this process together. */
      BRIDGE_MAX_IN_FLIGHT: wholeNumber(8, 1, 256),
      /** Milliseconds after which a request to Commerce is abandoned and sent again. */
      BRIDGE_REQUEST_MILLIS: wholeNumber(30_000, 100, 600_000),
      /** The longest pause between two attempts, in milliseconds. */
      BRIDGE_RETRY_MILLIS: wholeNumber(60_000, 10, 3_600_000),
      /**
       * The most by which the clocks of Commerce's servers differ, in milliseconds. What one of them calls too old is
       * carried only when all of them must.
       */
      BRIDGE_CLOCK_SKEW_MILLIS: wholeNumber(300_000, 0, 3_600_000),
      /** Milliseconds after which a checkpoint is written for folded records. */
      BRIDGE_FLUSH_MILLIS: wholeNumber(1_000, 10, 60_000),
      /** Milliseconds without a heartbeat after which the group gives the partitions to other members. */
      BRIDGE_SESSION_MILLIS: wholeNumber(10_000, 1_000, 300_000),
      /** Milliseconds between reads of the register of sources. */
      BRIDGE_SOURCES_MILLIS: wholeNumber(5_000, 50, 600_000),
      /** Milliseconds without progress on pending work after which the service is not ready. */
      BRIDGE_STALL_MILLIS: wholeNumber(30_000, 100, 3_600_000),
      /** Milliseconds between checks that each log is still the log that was folded. */
      BRIDGE_VERIFY_MILLIS: wholeNumber(60_000, 100, 3_600_000),
    },
    environment,
  );
