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

/** Runs a task with everything that changes sources, and closes it all at the end. */
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

/** Runs a task with ClickHouse. @throws UserError where it is out of reach. */
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

/** Runs a task with `KafkaAdmin`. @throws UserError where Kafka is out of reach. */
export const withAdmin = async <T>(
  config: KafkaConfig,
  task: (admin: KafkaAdmin, kafka: KafkaClient) => Promise<T>,
): Promise<T> => {
  // A command says itself what went wrong; the client's own lines would only repeat it.
  const logger = pino({ level: 'silent' });
  const kafka = await connectKafka(config, 'usage-admin', logger);
  const admin = await openKafkaAdmin(kafka);
  try {
    return await task(admin, kafka);
  } finally {
    await admin.close();
  }
};
