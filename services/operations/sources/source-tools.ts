import type { ClickHouseClient } from '@clickhouse/client';
import { pino } from 'pino';
import { openKafkaAdmin, type KafkaAdmin } from '../../shared/kafka/admin.ts';
import type { KafkaClient } from '../../shared/kafka/client.ts';
import { readSchemaDirectory } from '../../shared/avro/schema-directory.ts';
import { checkClickHouse, isSilence, openClickHouse } from '../../shared/clickhouse/client.ts';
import type { ClickHouseConfig, KafkaConfig } from '../../shared/process/config.ts';
import { UserError } from '../../shared/process/errors.ts';
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

/** A statement of a command may take long, such as an export of a year: nothing of its answer comes before all of it is there. */
const STATEMENT_MILLIS = 600_000;

/**
 * Runs a task with ClickHouse.
 * @throws UserError if it cannot be reached, or does not answer a statement
 */
export const withClickHouse = async <T>(
  config: ClickHouseConfig,
  task: (client: ClickHouseClient) => Promise<T>,
  statementMillis: number = STATEMENT_MILLIS,
): Promise<T> => {
  await checkAtOnce(config);
  const client = openClickHouse(config, config.CLICKHOUSE_DATABASE, { statementMillis });
  try {
    return await task(client);
  } catch (error) {
    if (!isSilence(error)) throw error;
    throw new UserError(
      `ClickHouse at ${config.CLICKHOUSE_URL} has not answered a statement within ${String(statementMillis / 1000)} s: try again when it has less to do, or ask for less at once, such as a shorter range`,
      { cause: error },
    );
  } finally {
    await client.close();
  }
};

/** Whoever is not there is not waited for as long as for a statement. */
const checkAtOnce = async (config: ClickHouseConfig): Promise<void> => {
  const client = openClickHouse(config);
  try {
    await checkClickHouse(client, config);
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
