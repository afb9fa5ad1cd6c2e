import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { signalProcess } from '../../services/development/local/child-process.ts';
import { startClickHouse } from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { startKafka } from '../../services/development/local/kafka/start-kafka.ts';
import { localPath } from '../../services/shared/process/local-directory.ts';

/** The broker and the engine of one run of the benchmark, with data of their own. */
export interface Servers {
  readonly directory: string;
  readonly broker: number;
  readonly engine: number;
  /** For the services and for this process's own clients. */
  readonly environment: Readonly<Record<string, string>>;
  /** The data goes with them. */
  stop(): Promise<void>;
}

const KAFKA_SETTINGS = {
  // For the row that kills an aggregator: its session may be short.
  'group.min.session.timeout.ms': '1000',
};

export const startServers = async (onProgress: (line: string) => void): Promise<Servers> => {
  await mkdir(localPath('bench'), { recursive: true });
  const directory = await mkdtemp(localPath('bench/data-'));
  const [kafka, clickHouse] = await Promise.all([
    startKafka({ dataDir: join(directory, 'kafka'), overrides: KAFKA_SETTINGS, onProgress }),
    startClickHouse({ dataDir: join(directory, 'clickhouse') }),
  ]);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      for (const { pid } of [kafka, clickHouse]) signalProcess(pid, 'SIGKILL');
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
      process.exit(130);
    });
  }
  return {
    directory,
    broker: kafka.pid,
    engine: clickHouse.pid,
    environment: { KAFKA_BROKERS: kafka.brokers.join(','), ...clickHouse.environment },
    stop: async () => {
      await Promise.all([kafka.stop(), clickHouse.stop()]);
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};
