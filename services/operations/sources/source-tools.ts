import type { ClickHouseClient } from '@clickhouse/client';
import { pino } from 'pino';
import { openKafkaAdmin, type KafkaAdmin } from '../../shared/kafka/admin.ts';
import type { KafkaClient } from '../../shared/kafka/client.ts';
import { readSchemaDirectory } from '../../shared/avro/schema-directory.ts';
import { checkClickHouse, openClickHouse } from '../../shared/clickhouse/client.ts';
import type { ClickHouseConfig, KafkaConfig } from '../../shared/process/config.ts';
import type { Keyring } from '../../shared/model/control-record.ts';
import { connectKafka } from '../../shared/kafka/client.ts';
import { openLogWriter } from '../../shared/kafka/log-writer.ts';
import type { SourceTools } from '../../shared/sources/source-opening.ts';

type Connections = KafkaConfig & ClickHouseConfig;

/** Runs a task with the tools that change sources, and closes them at the end. */
export const withSourceTools = <T>(
  config: Connections & { readonly USAGE_CONTROL_KEYS: Keyring },
  task: (tools: SourceTools) => Promise<T>,
): Promise<T> =>
  withClickHouse(config, (clickHouse) =>
    withAdmin(config, async (admin, kafka) => {
      const writer = await openLogWriter(kafka);
      try {
        return await task({
          clickHouse,
          admin,
          writer,
          keyring: config.USAGE_CONTROL_KEYS,
          schemas: readSchemaDirectory(),
          replicationFactor: config.KAFKA_REPLICATION_FACTOR,
        });
      } finally {
        await writer.close();
      }
    }),
  );

/**
 * Runs a task with ClickHouse.
 * @throws UserError if it cannot be reached
 */
export const withClickHouse = async <T>(
  config: ClickHouseConfig,
  task: (client: ClickHouseClient) => Promise<T>,
): Promise<T> => {
  const client = openClickHouse(config);
  try {
    await checkClickHouse(client, config);
    return await task(client);
  } finally {
    await client.close();
  }
};

/**
 * Runs a task with `KafkaAdmin`.
 * @throws UserError if Kafka cannot be reached
 */
export const withAdmin = async <T>(
  config: KafkaConfig,
  task: (admin: KafkaAdmin, kafka: KafkaClient) => Promise<T>,
): Promise<T> => {
  // The command itself says what went wrong; the client's own log lines would only repeat it.
  const logger = pino({ level: 'silent' });
  const kafka = await connectKafka(config, 'usage-admin', logger);
  const admin = await openKafkaAdmin(kafka);
  try {
    return await task(admin, kafka);
  } finally {
    await admin.close();
  }
};
