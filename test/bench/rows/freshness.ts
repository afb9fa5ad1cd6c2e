import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { provision } from '../../../services/operations/sources/provision.ts';
import { openClickHouse, queryRows } from '../../../services/shared/clickhouse/client.ts';
import { liveTopicName } from '../../../services/shared/kafka/topic-names.ts';
import { startService } from '../../support/service-process.ts';
import type { Bench, BenchRow } from '../bench.ts';
import { untilAssigned } from '../contenders/aggregator.ts';
import { nodeProgram } from '../contenders/contender.ts';
import type { Batch, FeedTask } from '../contenders/feed-main.ts';
import { atMost, quantile, type Figure } from '../figure.ts';
import { auditProblem, dropDatabase, openScene, withTools, type Scene } from '../scene.ts';

const ROW = 'freshness';
const PROVIDER = 'compute';
const POLL_MILLIS = 20;
/** How long after the last record it may take until all is stored, in milliseconds. */
const PATIENCE_MILLIS = 120_000;

interface Fed {
  readonly batches: readonly Batch[];
  readonly seconds: number;
}

const feed = async (task: FeedTask): Promise<Fed> => {
  const { command, args } = nodeProgram('test/bench/contenders/feed-main.ts', task);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(await text(child.stdout)) as Fed;
};

/** A moment at which everything below these offsets, by partition, was stored: its checkpoint stands. */
interface Seen {
  readonly at: number;
  readonly next: readonly number[];
}

/** Looks at the checkpoints until it is told to stop. */
const watch = async (
  { config }: Scene,
  isEnough: (seen: Seen) => boolean,
): Promise<readonly Seen[]> => {
  const client = openClickHouse(config);
  const seen: Seen[] = [];
  try {
    for (;;) {
      const rows = await queryRows<{ partition: number; next: string }>(
        client,
        'SELECT partition, toString(max(next_offset)) AS next FROM checkpoints GROUP BY partition',
      );
      const next: number[] = [];
      for (const row of rows) next[row.partition] = Number(row.next);
      const now = { at: Date.now(), next };
      seen.push(now);
      if (isEnough(now)) return seen;
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
    }
  } finally {
    await client.close();
  }
};

/** Milliseconds from append to visible, one for each record; records that were never seen count up to the end. */
const delaysOf = (batches: readonly Batch[], seen: readonly Seen[]): readonly number[] => {
  const end = seen.at(-1)?.at ?? Date.now();
  return batches.flatMap(({ partition, first, count, at }) => {
    // A batch may be stored in parts: each record counts by itself.
    let look = seen.findIndex((each) => each.at >= at);
    return Array.from({ length: count }, (_, n) => {
      while (look >= 0 && look < seen.length && (seen[look]?.next[partition] ?? 0) <= first + n) {
        look++;
      }
      return (seen[look]?.at ?? end) - at;
    });
  });
};

const measure = async (
  { options, servers, say }: Bench,
  rate: number,
  seconds: number,
  most: number,
): Promise<readonly Figure[]> => {
  const scene = await openScene(servers, `${ROW}_${String(rate)}`);
  const { partitions } = options;
  const provider = { name: PROVIDER, namespaces: ['microsoft.compute'], partitions };
  await withTools(scene, (tools) => provision(tools, scene.config, [provider]));
  const service = await startService('aggregator', scene.environment);
  try {
    await untilAssigned(service);
    const { tenants, resources, meters, usageHours, duplicates, lateness, seed } = options;
    const load = { tenants, resources, meters, usageHours, duplicates, lateness, seed, partitions };
    const fed: { value: Fed | null; at: number } = { value: null, at: Infinity };
    const feeding = feed({
      brokers: scene.config.KAFKA_BROKERS,
      topic: liveTopicName(scene.config.USAGE_TOPIC_PREFIX, PROVIDER),
      load: { ...load, events: rate * seconds },
      rate,
    }).then((value) => {
      fed.value = value;
      fed.at = Date.now();
    });
    const isStored = ({ next }: Seen): boolean =>
      fed.value?.batches.every(
        ({ partition, first, count }) => (next[partition] ?? 0) >= first + count,
      ) ?? false;
    const [seen] = await Promise.all([
      watch(scene, (now) => isStored(now) || now.at > fed.at + PATIENCE_MILLIS),
      feeding,
    ]);
    await service.stop();
    const { batches, seconds: took } = fed.value ?? { batches: [], seconds: NaN };
    const delays = delaysOf(batches, seen).map((each) => each / 1000);
    const reached = delays.length / took;
    say(`  ${String(Math.round(reached))} events/s were appended, ${String(rate)} were wanted`);
    // The broker's clock decides about hours: the audit looks at what was stored whatever hour it fell into.
    const problem =
      reached < 0.95 * rate
        ? `no more than ${String(Math.round(reached))} events/s could be appended`
        : await auditProblem(scene);
    const title = `append to visible at ${rate.toLocaleString('en')} events/s`;
    const figure = (share: number): number => quantile(delays, share);
    return [
      { row: ROW, title: `${title}, p50`, value: figure(0.5), unit: 's', target: null, problem },
      {
        row: ROW,
        title: `${title}, p99`,
        value: figure(0.99),
        unit: 's',
        target: atMost(most),
        problem,
      },
    ];
  } finally {
    await service.kill();
    await dropDatabase(scene);
  }
};

export const freshness: BenchRow = {
  name: ROW,
  title: 'seconds from the append of an event until its window and its ledger row can be read',
  run: async (bench) => {
    const seconds = bench.options.quick ? 8 : 30;
    return [
      ...(await measure(bench, 2_000, seconds, 1)),
      ...(await measure(bench, 20_000, seconds, 1.5)),
    ];
  },
};
