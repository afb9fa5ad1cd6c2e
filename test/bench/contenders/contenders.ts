import type { LoadTotals } from '../load/load.ts';
import type { WrittenLoad } from '../load/write-load.ts';
import type { Scene } from '../scene.ts';
import { runAggregator } from './aggregator.ts';
import { nodeProgram, runContender, type Run } from './contender.ts';
import type { DrainTask } from './drain-main.ts';

/** A load that stands in a topic, and what it must come to. */
export interface Loaded {
  readonly scene: Scene;
  readonly load: WrittenLoad;
  readonly totals: LoadTotals;
}

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
  {
    name: 'aggregator',
    title: 'this aggregator, complete',
    run: ({ scene, load, totals }, round) => runAggregator(scene, load, totals, `run_${round}`),
  },
];
