import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  startClickHouse,
  type LocalClickHouse,
} from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { startKafka, type LocalKafka } from '../../services/development/local/kafka/start-kafka.ts';
import { millis } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';
import { generateWorkload } from '../support/workload/generate-workload.ts';

/** Servers of this file's own: they are taken away, and come back. */
const HOUR_MILLIS = 5_000;
const shared = {
  KAFKA_BROKERS: '',
  CLICKHOUSE_URL: '',
  CLICKHOUSE_USER: '',
  CLICKHOUSE_PASSWORD: '',
};

let directory: string;
let kafka: LocalKafka;
let clickHouse: LocalClickHouse;
let pipeline: Pipeline;
let aggregator: ServiceProcess;

const kafkaOptions = (port: number) => ({
  dataDir: join(directory, 'kafka'),
  port,
  overrides: { 'group.min.session.timeout.ms': '1000' },
});

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'usage-outages-'));
  [kafka, clickHouse] = await Promise.all([
    startKafka(kafkaOptions(0)),
    startClickHouse({ dataDir: join(directory, 'clickhouse') }),
  ]);
  for (const name of Object.keys(shared) as (keyof typeof shared)[]) {
    shared[name] = process.env[name] ?? '';
  }
  process.env['KAFKA_BROKERS'] = kafka.brokers.join(',');
  Object.assign(process.env, clickHouse.environment);
  pipeline = await Pipeline.open(HOUR_MILLIS);
  aggregator = await pipeline.startAggregator({ AGGREGATOR_STALL_MILLIS: '1500' });
});

afterAll(async () => {
  await pipeline.close();
  Object.assign(process.env, shared);
  await Promise.all([kafka.stop(), clickHouse.stop()]);
  await rm(directory, { recursive: true, force: true });
});

const produce = async (seed: number): Promise<void> => {
  const now = millis(Date.now());
  await pipeline.produce(
    generateWorkload({
      seed,
      events: 10_000,
      tenants: 10,
      resourcesPerTenant: 10,
      topics: await sources,
      reportedFrom: now,
      reportedTo: now,
    }),
  );
};
let sources: ReturnType<Pipeline['sources']>;

const isReady = async (): Promise<boolean> =>
  (await fetch(`${await aggregator.address('health')}/health/ready`)).ok;

/** Resident memory of the aggregator, in MiB. */
const memory = async (): Promise<number> => {
  const status = await readFile(`/proc/${String(aggregator.pid)}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
};

test('with ClickHouse away it takes no more, says so, and catches up by itself', async () => {
  sources = pipeline.sources();
  await sources;
  await waitFor('it is ready', isReady);
  await clickHouse.kill();
  await produce(1);
  await waitFor('it is not ready', async () => !(await isReady()));
  const before = await memory();
  await produce(2);
  await produce(3);
  expect(await memory()).toBeLessThan(before + 200);
  clickHouse = await startClickHouse({
    dataDir: join(directory, 'clickhouse'),
    port: clickHouse.port,
  });
  await pipeline.settled();
  await waitFor('it is ready again', isReady);
});

test('with Kafka away it says so, and goes on by itself when it is back', async () => {
  await kafka.kill();
  await waitFor('it is not ready', async () => !(await isReady()));
  kafka = await startKafka(kafkaOptions(kafka.port));
  await produce(4);
  await pipeline.settled();
  await waitFor('it is ready again', isReady);
  expect(aggregator.output()).not.toContain('"level":60');
});

test('nothing was lost or counted twice by either', async () => {
  await pipeline.stopAll();
  expect(await pipeline.differences()).toEqual([]);
});
