import type { Loaded } from '../load/loaded.ts';
import { runAggregator } from './aggregator.ts';
import { join } from 'node:path';
import { nodeProgram, runContender, type Run } from './contender.ts';
import type { DrainTask } from './drain-main.ts';
import type { EngineTask } from './engine-main.ts';
import { runStreams, type StreamsKind } from './streams/streams.ts';

/** Something that reads a whole load, in one run of so many. */
export interface Contender {
  readonly name: string;
  readonly title: string;
  run(loaded: Loaded, round: string): Promise<Run>;
}

const drain = (
  name: string,
  title: string,
  how: Pick<DrainTask, 'decoder' | 'avsc'>,
): Contender => ({
  name,
  title,
  run: ({ scene, load }) => {
    const { topic, partitions, records } = load;
    const task: DrainTask = {
      brokers: scene.config.KAFKA_BROKERS,
      topic,
      partitions,
      records,
      ...how,
    };
    return runContender(nodeProgram('test/bench/contenders/drain-main.ts', task), scene.servers);
  },
});

/** Its best settings depend on the machine: it runs with the two that were best where this was written. */
const engine = (
  name: string,
  title: string,
  how: Pick<EngineTask, 'consumers' | 'threadPerConsumer' | 'maxBlockSize'>,
): Contender => ({
  name,
  title,
  run: async ({ scene, load, totals }, round) => {
    const { topic, partitions, records } = load;
    const task: EngineTask = {
      directory: join(scene.servers.directory, `${name}-${round}`),
      brokers: scene.config.KAFKA_BROKERS,
      topic,
      partitions,
      records,
      control: records - totals.records,
      ...how,
    };
    const program = nodeProgram('test/bench/contenders/engine-main.ts', task);
    // Its queries and its zone are as those of the engine that the services use.
    const environment = { TZ: 'UTC', UV_THREADPOOL_SIZE: '16' };
    const run = await runContender({ ...program, environment }, scene.servers);
    const { windows = 0 } = run.counts;
    const problem = windows === totals.windows ? null : `it has ${String(windows)} windows`;
    return { ...run, problem };
  },
});

const streams = (kind: StreamsKind, title: string): Contender => ({
  name: `streams-${kind}`,
  title: `Kafka Streams, exactly_once_v2, ${title}`,
  run: (loaded, round) => runStreams(kind, loaded, round),
});

export const ENGINES = ['engine', 'engine-threads'];
export const STREAMS = ['streams-default', 'streams-tuned', 'streams-memory'];

export const CONTENDERS: readonly Contender[] = [
  drain('drain', 'bare kafkajs drain', { decoder: 'stock', avsc: false }),
  drain('drain-decoder', "kafkajs with this project's decoder of fetches", {
    decoder: 'project',
    avsc: false,
  }),
  drain('drain-avsc', 'kafkajs drain, each event decoded with avsc', {
    decoder: 'stock',
    avsc: true,
  }),
  engine('engine', "ClickHouse's Kafka engine, four consumers that fill blocks together", {
    consumers: 4,
    threadPerConsumer: false,
    maxBlockSize: 131_072,
  }),
  engine('engine-threads', "ClickHouse's Kafka engine, two consumers with a thread each", {
    consumers: 2,
    threadPerConsumer: true,
    maxBlockSize: 65_536,
  }),
  streams('default', 'RocksDB as it comes'),
  streams('tuned', 'RocksDB tuned'),
  streams('memory', 'stores in memory'),
  {
    name: 'aggregator',
    title: 'this aggregator, complete',
    run: (loaded, round) => runAggregator(loaded, `run_${round}`),
  },
];
