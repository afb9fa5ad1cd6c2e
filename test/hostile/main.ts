import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { startClickHouse } from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { startKafka } from '../../services/development/local/kafka/start-kafka.ts';
import { deadLetterTopicName } from '../../services/shared/kafka/topic-names.ts';
import { formatTable } from '../../services/shared/terminal/table.ts';
import { Pipeline } from '../support/pipeline.ts';
import { conservationProblems } from '../support/workload/conservation.ts';
import { StoredCheck } from './check-stored.ts';
import { flood } from './flood.ts';
import { HostileRecords, type HostileRecord } from './hostile-records.ts';
import { HOSTILE_PROVIDER, judgedTopic } from './hostile-topic.ts';
import { checkFold } from './in-process.ts';
import { MemoryGauge } from './memory-gauge.ts';
import { HostileSender } from './send-hostile.ts';

/** Short, so that hours close while the records come. */
const HOUR_MILLIS = 20_000;
const BATCH = 2_000;
const BATCH_BYTES = 4 * 1024 * 1024;
const MIB = 1024 * 1024;

interface Options {
  readonly records: number;
  readonly seed: number;
  readonly heapMib: number;
  readonly foldRecords: number;
  readonly flood: number;
}

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const countsTable = (title: string, counts: ReadonlyMap<string, number>): string =>
  formatTable(
    [title, 'RECORDS'],
    [...counts].sort(([, a], [, b]) => b - a).map(([name, count]) => [name, count]),
  );

/** The pure fold and the audit, without Kafka and ClickHouse. @returns what is wrong. */
const inProcess = ({ seed, foldRecords }: Options): readonly string[] => {
  const began = Date.now();
  const report = checkFold(seed, foldRecords);
  const seconds = (Date.now() - began) / 1000;
  say(
    `Fold and audit alone: ${String(foldRecords)} records in ${seconds.toFixed(1)} s, none made them throw, ` +
      `${String(report.misjudged.reduce((sum, { count }) => sum + count, 0))} misjudged.`,
  );
  const problems = report.misjudged.map(
    ({ record, folded, audited, judged, count }) =>
      `${String(count)} × ${record.family}: expected ${record.expected ?? 'by the judge alone'}, the judge says ${judged}, ` +
      `the fold ${folded}, the audit ${audited}: ${record.value?.toString('base64').slice(0, 400) ?? 'no value'}`,
  );
  return report.conserved ? problems : [...problems, 'the four counts do not add up'];
};

const produce = async (
  pipeline: Pipeline,
  hostile: HostileRecords,
  records: number,
  sender: HostileSender,
): Promise<void> => {
  let batch: HostileRecord[] = [];
  let bytes = 0;
  let reported = Date.now();
  for (let n = 0; n < records; n++) {
    const record = hostile.next();
    batch.push(record);
    bytes += (record.value?.length ?? 0) + (record.key?.length ?? 0);
    if (batch.length < BATCH && bytes < BATCH_BYTES && n < records - 1) continue;
    await sender.send(batch);
    batch = [];
    bytes = 0;
    if (Date.now() - reported < 10_000) continue;
    reported = Date.now();
    const stored = [...(await pipeline.nextOffsets()).values()].reduce((a, b) => a + b, 0);
    say(`  ${String(n + 1)} sent, ${String(stored)} stored`);
  }
};

/** The whole pipeline: real Kafka, real ClickHouse, a real aggregator. @returns what is wrong. */
const wholePipeline = async ({ records, seed, heapMib }: Options): Promise<readonly string[]> => {
  const pipeline = await Pipeline.open(HOUR_MILLIS, [HOSTILE_PROVIDER]);
  try {
    const [source] = await pipeline.sources();
    if (!source) throw new Error('there is no source');
    const { kafka, clickHouse, keyring, config } = pipeline.stack;
    const topic = judgedTopic(source, keyring[0]);
    const aggregator = await pipeline.startAggregator({
      NODE_OPTIONS: `--max-old-space-size=${String(heapMib)}`,
      AGGREGATOR_INDEX_MIB: '64',
      AGGREGATOR_SESSION_MILLIS: '10000',
      LOG_LEVEL: 'warn',
    });
    const gauge = new MemoryGauge(aggregator.pid);
    const sender = await HostileSender.open(kafka, source.topic);
    const began = Date.now();
    const hostile = new HostileRecords({ seed, topic, now: Date.now });
    await produce(pipeline, hostile, records, sender);
    // Whatever came before, each partition still takes what is right.
    const last = Array.from({ length: 20 }, () => hostile.of('event'));
    await sender.send(last);
    await sender.close();
    const patience = 120 + records / 1_000;
    const settled = pipeline.settled(patience).then(() => null);
    settled.catch(() => undefined); // where the aggregator has ended, nothing settles
    const end = await Promise.race([settled, aggregator.exited]);
    gauge.stop();
    if (end !== null) return [`the aggregator has ended: ${aggregator.output().slice(-2_000)}`];
    say(
      `Pipeline: ${String(records)} records stored ${((Date.now() - began) / 1000).toFixed(1)} s after the first was ` +
        `sent; the aggregator used at most ${(gauge.peak / MIB).toFixed(0)} MiB of memory (heap bound ${String(heapMib)} MiB).`,
    );
    await aggregator.stop();
    const { code } = await aggregator.exited;
    const check = new StoredCheck(kafka, clickHouse, topic);
    await check.run(deadLetterTopicName(config.USAGE_TOPIC_PREFIX), () => undefined);
    say(`\n${countsTable('BECAME', check.fates)}\n`);
    say(`${String(check.differenceCount)} differ from what the judge says of the log.`);
    return [
      ...check.differences,
      ...(await conservationProblems(clickHouse)),
      ...(code === 0 ? [] : [`the aggregator ended with code ${String(code)}`]),
    ];
  } finally {
    await pipeline.close();
  }
};

const onServers = async (options: Options): Promise<readonly string[]> => [
  ...(options.records > 0 ? await wholePipeline(options) : []),
  ...(options.flood > 0 ? await flood(options.flood, options.heapMib) : []),
];

/** Runs a task with servers of its own, unless the environment names some. */
const withServers = async <T>(task: () => Promise<T>): Promise<T> => {
  if (process.env['KAFKA_BROKERS'] && process.env['CLICKHOUSE_URL']) return task();
  const directory = await mkdtemp(join(tmpdir(), 'usage-hostile-'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // The servers end with this process.
    process.once(signal, () => {
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
      process.exit(130);
    });
  }
  const [kafka, clickHouse] = await Promise.all([
    startKafka({ dataDir: join(directory, 'kafka') }),
    startClickHouse({ dataDir: join(directory, 'clickhouse') }),
  ]);
  process.env['KAFKA_BROKERS'] = kafka.brokers.join(',');
  Object.assign(process.env, clickHouse.environment);
  try {
    return await task();
  } finally {
    await Promise.all([kafka.stop(), clickHouse.stop()]);
    await rm(directory, { recursive: true, force: true });
  }
};

const wholeNumber = (text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('it must be a whole number');
};

const run = async (options: Options): Promise<void> => {
  say(`Hostile input, seed ${String(options.seed)}.`);
  const needsServers = options.records + options.flood > 0;
  const problems = [
    ...inProcess(options),
    ...(needsServers ? await withServers(() => onServers(options)) : []),
  ];
  for (const problem of problems) say(`WRONG ${problem}`);
  say(problems.length === 0 ? '0 differences.' : `${String(problems.length)} differences shown.`);
  if (problems.length > 0) process.exitCode = 1;
};

await new Command('hostile')
  .description('sends random, mutated and forged records, and checks what becomes of each')
  .option('--records <n>', 'how many go through the whole pipeline', wholeNumber, 1_000_000)
  .option('--fold-records <n>', 'how many go through fold and audit alone', wholeNumber, 200_000)
  .option('--flood <n>', 'how many events of 1 MiB come in one hour', wholeNumber, 500)
  .option('--seed <n>', 'another seed gives other records', wholeNumber, 1)
  .option('--heap-mib <n>', "bound on the aggregator's heap", wholeNumber, 384)
  .action(run)
  .parseAsync();
