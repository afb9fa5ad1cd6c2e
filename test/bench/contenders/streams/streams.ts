import { join } from 'node:path';
import { findJava } from '../../../../services/development/local/kafka/java.ts';
import { provideJars } from '../../../../services/development/local/kafka/jars.ts';
import { DEFAULT_CACHE } from '../../../../services/development/local/kafka/jvm.ts';
import { inRepository } from '../../../../services/shared/process/repository.ts';
import { withTools } from '../../scene.ts';
import { runContender, type Run } from '../contender.ts';
import type { Loaded } from '../../load/loaded.ts';

const HERE = 'test/bench/contenders/streams';
const THREADS = 2;

/** RocksDB with its defaults, RocksDB tuned, or stores in memory; all of them with their change logs. */
export type StreamsKind = 'default' | 'tuned' | 'memory';

/** Kafka Streams on a load: from its partitions' assignment until the offsets at the end are committed. */
export const runStreams = async (
  kind: StreamsKind,
  { scene, load, totals }: Loaded,
  round: string,
): Promise<Run> => {
  const java = await findJava(process.env);
  const jars = await provideJars(inRepository(`${HERE}/pom.xml`), DEFAULT_CACHE, () => undefined);
  const sums = `${load.topic}.sums-${kind}-${round}`;
  await withTools(scene, ({ admin }) =>
    admin.createTopics([
      { topic: sums, partitions: load.partitions, replicationFactor: 1, settings: {} },
    ]),
  );
  const run = await runContender(
    {
      command: java.command,
      args: [
        '-Xmx2g',
        '-cp',
        jars.classPath,
        inRepository(`${HERE}/UsageStreams.java`),
        scene.config.KAFKA_BROKERS.join(','),
        load.topic,
        sums,
        String(load.records),
        kind,
        join(scene.servers.directory, `streams-${kind}-${round}`),
        String(THREADS),
      ],
    },
    scene.servers,
  );
  const { events = 0, windows = 0 } = run.counts;
  const isRight = events === totals.events && windows === totals.windows;
  const found = `${String(events)} events and ${String(windows)} windows`;
  return { ...run, problem: isRight ? null : `it has counted ${found}` };
};
