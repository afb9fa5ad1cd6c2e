import { partitionName } from '../../services/shared/model/source.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import {
  aggregatesTopicName,
  deadLetterTopicName,
} from '../../services/shared/kafka/topic-names.ts';
import { compareWithClickHouse } from '../support/workload/compare-with-clickhouse.ts';
import { ExpectedTotals } from '../support/workload/expected-totals.ts';
import { readLog, type PartitionLog } from '../support/workload/read-log.ts';
import { publishedDeadLetters } from './published-dead-letters.ts';
import { publishedHours } from '../support/workload/published-hours.ts';
import type { Scene } from './scene.ts';

/** What came of a schedule: what its logs hold, and how the rest differs from it. */
export interface Verdict {
  readonly records: number;
  readonly duplicates: number;
  readonly deadLetters: number;
  readonly differences: readonly string[];
}

/**
 * Compares ClickHouse, the published hours and the dead-letter topic with what the logs must come to;
 * no aggregator may be running. Each log counts up to its checkpoint: ticks may lie beyond. Of a
 * partition that had to halt it is the log as it stood before, so nothing of another one, and
 * nothing that came after a loss, may have been counted.
 */
export const verify = async (scene: Scene): Promise<Verdict> => {
  const { pipeline, casualties } = scene;
  const sources = await scene.sources();
  const expected = new ExpectedTotals(sources);
  const offsets = await scene.nextOffsets();
  const { kafka, clickHouse, config } = pipeline.stack;
  const aggregates = aggregatesTopicName(config.USAGE_TOPIC_PREFIX);
  const deadLetters = deadLetterTopicName(config.USAGE_TOPIC_PREFIX);
  const logs = await readLog(kafka, [
    ...sources.map(({ topic }) => topic),
    aggregates,
    deadLetters,
  ]);
  const logOf = (topic: string): readonly PartitionLog[] =>
    logs.filter((log) => log.topic === topic);

  for (const { at, log } of logs.flatMap((log) => sourceLog(sources, log))) {
    const name = partitionName(at);
    const { records } = casualties.get(name)?.log ?? log;
    const end = offsets.get(name) ?? 0;
    pipeline.sent.tell(
      expected,
      at,
      records.filter(({ offset }) => offset < end),
    );
  }
  const sum = (count: (partition: ExpectedTotals['partitions'][number]) => number): number =>
    expected.partitions.map(count).reduce((a, b) => a + b, 0);
  return {
    records: sum(({ nextOffset }) => nextOffset),
    duplicates: sum(({ duplicate }) => duplicate),
    deadLetters: sum(({ deadLettered }) => deadLettered),
    differences: [
      ...(await compareWithClickHouse(clickHouse, expected)),
      ...publishedHours(expected, logOf(aggregates)),
      ...publishedDeadLetters(expected, logOf(deadLetters)),
    ],
  };
};

const sourceLog = (sources: readonly RegisteredSource[], log: PartitionLog) => {
  const source = sources.find(({ topic }) => topic === log.topic);
  if (!source) return [];
  return [{ at: { topic: log.topic, epoch: source.epoch, partition: log.partition }, log }];
};
