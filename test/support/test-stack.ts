import type { ClickHouseClient } from '@clickhouse/client';
import { randomBytes } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import { pino, type Logger } from 'pino';
import { openClickHouse } from '../../services/shared/clickhouse/client.ts';
import { migrate } from '../../services/shared/clickhouse/migrations.ts';
import {
  clickHouseSettings,
  kafkaSettings,
  parseEnvironment,
  type ClickHouseConfig,
  type KafkaConfig,
} from '../../services/shared/process/config.ts';
import type { Keyring } from '../../services/shared/model/control-record.ts';
import { openKafka } from '../../services/shared/kafka/client.ts';

/** What a test file has for itself on the stack that all of them share. */
export interface TestStack {
  readonly config: KafkaConfig & ClickHouseConfig;
  /** The same as environment variables, for processes. */
  readonly environment: Readonly<Record<string, string>>;
  readonly keyring: Keyring;
  readonly kafka: Kafka;
  readonly clickHouse: ClickHouseClient;
  readonly logger: Logger;
  /** Takes the database away. */
  close(): Promise<void>;
}

/** Takes a topic prefix and a migrated database of its own. */
export const openTestStack = async (): Promise<TestStack> => {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const secret = randomBytes(32);
  const environment = {
    KAFKA_BROKERS: process.env['KAFKA_BROKERS'] ?? '',
    CLICKHOUSE_URL: process.env['CLICKHOUSE_URL'] ?? '',
    CLICKHOUSE_USER: process.env['CLICKHOUSE_USER'] ?? '',
    CLICKHOUSE_PASSWORD: process.env['CLICKHOUSE_PASSWORD'] ?? '',
    USAGE_TOPIC_PREFIX: name,
    CLICKHOUSE_DATABASE: name,
    USAGE_CONTROL_KEYS: `test:${secret.toString('hex')}`,
  };
  const config = parseEnvironment({ ...kafkaSettings, ...clickHouseSettings }, environment);
  await migrate(config);
  const logger = pino({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });
  const clickHouse = openClickHouse(config);
  return {
    config,
    environment,
    keyring: [{ id: 'test', secret }],
    kafka: openKafka({
      brokers: config.KAFKA_BROKERS,
      clientId: name,
      maxBatchMib: config.KAFKA_MAX_BATCH_MIB,
      logger,
    }),
    clickHouse,
    logger,
    close: async () => {
      // Its tables would go on costing the engine, whose every other test is slower for each of them.
      await clickHouse.command({ query: `DROP DATABASE IF EXISTS ${name}` });
      await clickHouse.close();
    },
  };
};
