import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from '../../services/shared/build/compile.mjs';

/**
 * Jest's global set-up: one real broker and one real engine for all integration tests. Each test
 * file takes a topic prefix and a database of its own (see `stack.ts`), so that they run side by side.
 */
export default async () => {
  await compile();
  const { startKafka } = await import('../../dist/services/development/local/kafka/start-kafka.js');
  const { startClickHouse } =
    await import('../../dist/services/development/local/clickhouse/start-clickhouse.js');
  const directory = await mkdtemp(join(tmpdir(), 'usage-pipeline-'));
  const [kafka, clickHouse] = await Promise.all([
    startKafka({
      dataDir: join(directory, 'kafka'),
      overrides: { 'group.min.session.timeout.ms': '1000' },
    }),
    startClickHouse({ dataDir: join(directory, 'clickhouse') }),
  ]);
  process.env.KAFKA_BROKERS = kafka.brokers.join(',');
  Object.assign(process.env, clickHouse.environment);
  // For tests that damage what stands there.
  process.env.KAFKA_LOG_DIR = join(directory, 'kafka', 'log');
  globalThis.usageStack = { kafka, clickHouse, directory };
};
