import {
  clickHouseSettings,
  controlKeySettings,
  foldSettings,
  kafkaSettings,
  parseEnvironment,
  wholeNumber,
  type Environment,
} from '../shared/process/config.ts';
import { DEFAULT_PORTS } from '../shared/process/default-ports.ts';
import { healthSettings } from '../shared/process/health.ts';

/** Settings of the aggregator; the shared ones are described in `services/shared/process/config.ts`. */
export const readAggregatorConfig = (environment: Environment) =>
  parseEnvironment(
    {
      ...kafkaSettings,
      ...clickHouseSettings,
      ...controlKeySettings,
      ...foldSettings,
      ...healthSettings(DEFAULT_PORTS.aggregatorHealth),
      /** Milliseconds after which folded records are stored: a fifth of it when nothing more comes, four times as long while there is more to read. */
      AGGREGATOR_FLUSH_MILLIS: wholeNumber(500, 10, 60_000),
      /** Accepted events of a partition after which they are stored at once. */
      AGGREGATOR_FLUSH_EVENTS: wholeNumber(100_000, 1, 1_000_000),
      /** Milliseconds without a heartbeat after which the group gives its partitions to others. */
      AGGREGATOR_SESSION_MILLIS: wholeNumber(10_000, 1_000, 300_000),
      /** Milliseconds between reads of the register of sources. */
      AGGREGATOR_SOURCES_MILLIS: wholeNumber(2_000, 50, 600_000),
      /** Milliseconds without progress on pending work after which the service is not ready. */
      AGGREGATOR_STALL_MILLIS: wholeNumber(30_000, 100, 3_600_000),
      /** Milliseconds between checks that each log is still the log that was folded. */
      AGGREGATOR_VERIFY_MILLIS: wholeNumber(60_000, 100, 3_600_000),
    },
    environment,
  );
