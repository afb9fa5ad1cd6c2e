import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from '../../services/shared/build/compile.mjs';

/**
 * Jest's global set-up: one real broker and one real engine for all integration tests. Each test
 * file takes a topic prefix and a database of its own (see `stack.ts`), so that they run side by side.
 * They are local processes, or containers if TEST_SERVERS says so.
 */
export default async () => {
  await compile();
  const directory = await mkdtemp(join(tmpdir(), 'usage-pipeline-'));
  const servers = await start(directory);
  Object.assign(process.env, servers.environment);
  globalThis.usageStack = { servers, directory };
};

const start = async (directory) => {
  const choice = process.env.TEST_SERVERS ?? 'local';
  if (choice === 'containers') {
    const { startContainers } = await import('../../dist/test/support/containers.js');
    return startContainers(directory);
  }
  if (choice !== 'local') throw new Error('TEST_SERVERS must be local or containers');
  return startLocal(directory);
};

const startLocal = async (directory) => {
  const { startKafka } = await import('../../dist/services/development/local/kafka/start-kafka.js');
  const { startClickHouse } =
    await import('../../dist/services/development/local/clickhouse/start-clickhouse.js');
  const [kafka, clickHouse] = await Promise.all([
    startKafka({
      dataDir: join(directory, 'kafka'),
      overrides: { 'group.min.session.timeout.ms': '1000' },
    }),
    startClickHouse({ dataDir: join(directory, 'clickhouse') }),
  ]);
  return {
    environment: {
      KAFKA_BROKERS: kafka.brokers.join(','),
      ...clickHouse.environment,
      // For tests that damage what stands there.
      KAFKA_LOG_DIR: join(directory, 'kafka', 'log'),
    },
    stop: () => Promise.all([kafka.stop(), clickHouse.stop()]),
  };
};
