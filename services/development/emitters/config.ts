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

/** Settings of an emitter: a simulated resource provider that reports live usage. */
export const readEmitterConfig = (environment: Environment) =>
  parseEnvironment(
    {
      ...kafkaSettings,
      ...clickHouseSettings,
      ...providerSettings,
      ...healthSettings(DEFAULT_PORTS.emitterHealth),
      /** Reports in an hour of the source; empty for one every nine seconds, or a little more often. */
      EMITTER_REPORTS_PER_HOUR: optionalWholeNumber(1, 3_600),
      /**
       * Milliseconds without a successful report, although one is due, after which the emitter is not
       * ready.
       */
      EMITTER_STALL_MILLIS: wholeNumber(30_000, 100, 3_600_000),
      EMITTER_TENANTS: wholeNumber(8, 1, 10_000),
      EMITTER_SEED: wholeNumber(1, 0, 2 ** 31),
    },
    environment,
  );
