import {
  clickHouseSettings,
  kafkaSettings,
  parseEnvironment,
  wholeNumber,
  type Environment,
} from '../shared/config.ts';
import { DEFAULT_PORTS } from '../shared/default-ports.ts';
import { healthSettings } from '../shared/health.ts';

/** Settings of an emitter: a simulated resource provider that reports live usage. */
export const emitterConfig = (environment: Environment) =>
  parseEnvironment(
    {
      ...kafkaSettings,
      ...clickHouseSettings,
      ...healthSettings(DEFAULT_PORTS.emitterHealth),
      /** Reports in an hour: 400 is one every nine seconds. */
      EMITTER_REPORTS_PER_HOUR: wholeNumber(400, 1, 3_600).refine(
        (parts) => 3_600_000 % parts === 0,
        { message: 'must divide an hour into whole milliseconds' },
      ),
      EMITTER_TENANTS: wholeNumber(8, 1, 10_000),
      EMITTER_SEED: wholeNumber(1, 0, 2 ** 31),
    },
    environment,
  );
