import { ClickHouseContainer } from '@testcontainers/clickhouse';
import { KafkaContainer } from '@testcontainers/kafka';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Kafka and ClickHouse for all integration tests, in containers. */
export interface ContainerServers {
  /** The settings by which tests find them. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/**
 * The images; TEST_KAFKA_IMAGE and TEST_CLICKHOUSE_IMAGE name others. The module for Kafka knows Confluent's
 * images: 8.1 is Kafka 4.1.
 */
export const testImages = (
  environment: NodeJS.ProcessEnv = process.env,
): { readonly kafka: string; readonly clickHouse: string } => ({
  kafka: environment['TEST_KAFKA_IMAGE'] ?? 'confluentinc/cp-kafka:8.1.1',
  clickHouse: environment['TEST_CLICKHOUSE_IMAGE'] ?? 'clickhouse/clickhouse-server:26.7.3.19',
});

/** As many open files as ClickHouse wants, or as many as this machine allows anyone. */
const openFiles = async (): Promise<number> => {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => ''); // only Linux has it
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1];
  return Math.min(262_144, Number(hard ?? Infinity));
};

/** The module asks for 262,144 open files, which not every machine allows, and only adds to that. */
class ClickHouseWithin extends ClickHouseContainer {
  constructor(image: string, files: number) {
    super(image);
    this.hostConfig.Ulimits = [];
    this.withUlimits({ nofile: { hard: files, soft: files } });
  }
}

const LOG_DIR = '/var/lib/kafka/data';

/** Starts both; what the broker writes is in `directory`, for tests that damage it. */
export const startContainers = async (directory: string): Promise<ContainerServers> => {
  const { kafka: kafkaImage, clickHouse: clickHouseImage } = testImages();
  const logDir = join(directory, 'kafka-log');
  await mkdir(logDir);
  await chmod(logDir, 0o777); // the broker is another user
  const files = await openFiles();
  const starting = await Promise.allSettled([
    new KafkaContainer(kafkaImage)
      .withKraft()
      .withBindMounts([{ source: logDir, target: LOG_DIR, mode: 'rw' }])
      .withEnvironment({
        KAFKA_LOG_DIRS: LOG_DIR,
        KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
        KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: '1000',
        KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
        KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: '1',
        KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: '1',
      })
      .start(),
    new ClickHouseWithin(clickHouseImage, files).withUsername('usage_test').start(),
  ]);
  const [kafka, clickHouse] = starting;
  const stop = async (): Promise<void> => {
    for (const start of starting) if (start.status === 'fulfilled') await start.value.stop();
  };
  if (kafka.status === 'rejected' || clickHouse.status === 'rejected') {
    await stop();
    throw kafka.status === 'rejected' ? kafka.reason : (clickHouse as PromiseRejectedResult).reason;
  }
  return {
    environment: {
      KAFKA_BROKERS: `${kafka.value.getHost()}:${String(kafka.value.getMappedPort(9093))}`,
      KAFKA_LOG_DIR: logDir,
      CLICKHOUSE_URL: clickHouse.value.getHttpUrl(),
      CLICKHOUSE_USER: clickHouse.value.getUsername(),
      CLICKHOUSE_PASSWORD: clickHouse.value.getPassword(),
    },
    stop,
  };
};
