import type { Admin } from 'kafkajs';
import { kafkaAdmin } from '../../services/shared/kafka/admin.ts';
import { readSchemaDirectory } from '../../services/shared/avro/schema-directory.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { openLogWriter } from '../../services/shared/kafka/log-writer.ts';
import type { NewRecord } from '../../services/shared/kafka/new-record.ts';
import type { TopicPartition } from '../../services/shared/model/log-record.ts';
import {
  newestEpoch,
  partitionName,
  type SourcePartition,
} from '../../services/shared/model/source.ts';
import {
  beginHistory,
  writeHistory,
  type HistoryRun,
} from '../../services/operations/history-runs/history-run.ts';
import type { SourceTools } from '../../services/shared/sources/source-opening.ts';
import type { Provider } from '../../services/shared/sources/providers.ts';
import { isRead } from '../../services/shared/sources/check-topics.ts';
import { provision } from '../../services/operations/sources/provision.ts';
import { readSources, type RegisteredSource } from '../../services/shared/sources/register.ts';
import { HOUR_MILLIS, millis } from '../../services/shared/model/time.ts';
import { startService, usagectl, type ServiceProcess } from './service-process.ts';
import { openTestStack, type TestStack } from './test-stack.ts';
import { waitFor } from './wait-for.ts';
import { compareWithClickHouse } from './workload/compare-with-clickhouse.ts';
import type { Emission } from './workload/emission.ts';
import { ExpectedTotals } from './workload/expected-totals.ts';
import { generateWorkload, type WorkloadOptions } from './workload/generate-workload.ts';
import { readLog } from './workload/read-log.ts';
import { SentRecords } from './workload/sent-records.ts';

export const TEST_PROVIDERS: readonly Provider[] = [
  { name: 'compute', namespaces: ['microsoft.compute'], partitions: 2 },
  { name: 'storage', namespaces: ['microsoft.storage'], partitions: 1 },
];

/** One topic with one partition, for tests that damage its log. */
export const STORAGE_ONLY: readonly Provider[] = [
  { name: 'storage', namespaces: ['microsoft.storage'], partitions: 1 },
];

const BATCH = 2_000;

/** A whole pipeline of a test's own, and what was sent through it. */
export class Pipeline {
  readonly stack: TestStack;
  readonly tools: SourceTools;
  /** For what only tests do to topics. */
  readonly admin: Admin;
  readonly sent = new SentRecords();
  readonly environment: Readonly<Record<string, string>>;
  private readonly started: ServiceProcess[] = [];

  private constructor(
    stack: TestStack,
    tools: SourceTools,
    admin: Admin,
    environment: Readonly<Record<string, string>>,
  ) {
    this.stack = stack;
    this.tools = tools;
    this.admin = admin;
    this.environment = environment;
  }

  /** Hours may be shortened, so that they close while the test runs. */
  static async open(
    hourMillis: number,
    providers: readonly Provider[] = TEST_PROVIDERS,
  ): Promise<Pipeline> {
    const stack = await openTestStack();
    const admin = stack.kafka.admin();
    await admin.connect();
    const tools: SourceTools = {
      clickHouse: stack.clickHouse,
      admin: kafkaAdmin(admin),
      writer: await openLogWriter(stack.kafka),
      keyring: stack.keyring,
      schemas: readSchemaDirectory(),
      replicationFactor: 1,
    };
    const config = { ...stack.config, USAGE_HOUR_MILLIS: hourMillis };
    await provision(tools, config, providers);
    return new Pipeline(stack, tools, admin, {
      ...stack.environment,
      USAGE_HOUR_MILLIS: String(hourMillis),
      AGGREGATOR_SESSION_MILLIS: '2000',
      AGGREGATOR_FLUSH_MILLIS: '200',
      AGGREGATOR_SOURCES_MILLIS: '500',
    });
  }

  sources(): Promise<readonly RegisteredSource[]> {
    return readSources(this.stack.clickHouse);
  }

  /** The present epoch of the only topic that there is. */
  async onlySource(): Promise<RegisteredSource> {
    const sources = await this.sources();
    const source = newestEpoch(sources, sources[0]?.topic ?? '');
    if (!source) throw new Error('there is no source');
    return source;
  }

  /** Imports a past of 3,000 events, and has it folded to its end. */
  async foldHistory(
    {
      origin,
      firstHour,
      lastHour,
      partitions,
    }: Pick<HistoryRun, 'origin' | 'firstHour' | 'lastHour' | 'partitions'>,
    workload: Pick<WorkloadOptions, 'seed' | 'shares'>,
  ): Promise<RegisteredSource> {
    const hourMillis = HOUR_MILLIS;
    const { source } = await beginHistory(
      this.tools,
      { origin, firstHour, lastHour, hourMillis, partitions, billable: false },
      this.stack.config.USAGE_TOPIC_PREFIX,
    );
    await this.produce(
      generateWorkload({
        events: 3_000,
        tenants: 4,
        resourcesPerTenant: 4,
        topics: [source],
        reportedFrom: millis(firstHour),
        reportedTo: millis(lastHour + hourMillis - 1),
        ...workload,
      }),
    );
    await writeHistory(this.tools, source, []);
    const aggregator = await this.startAggregator();
    await this.settled();
    await aggregator.stop();
    return source;
  }

  /** Runs `usagectl` on this pipeline. */
  usagectl(...args: readonly string[]): ReturnType<typeof usagectl> {
    return usagectl(args, this.environment);
  }

  async startAggregator(
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ServiceProcess> {
    const service = await startService('aggregator', { ...this.environment, ...environment });
    this.started.push(service);
    return service;
  }

  /** Appends a workload, in its order, and remembers it. */
  async produce(emissions: Iterable<Emission>, onBatch?: (sent: number) => void): Promise<number> {
    const batch = new Map<string, { at: TopicPartition; records: NewRecord[] }>();
    let count = 0;
    const send = async (): Promise<void> => {
      await Promise.all(
        [...batch.values()].map(({ at, records }) => this.tools.writer.append(at, records)),
      );
      batch.clear();
      onBatch?.(count);
    };
    for (const emission of emissions) {
      this.sent.add(emission);
      const { topic, partition, key, value, headers, timestamp } = emission;
      const name = `${topic} ${String(partition)}`;
      const entry = batch.get(name) ?? { at: { topic, partition }, records: [] };
      entry.records.push({ key, value, headers, timestamp });
      batch.set(name, entry);
      if (++count % BATCH === 0) await send();
    }
    await send();
    return count;
  }

  /** Waits until everything that is in the topics now has been folded and stored. */
  async settled(seconds = 600): Promise<void> {
    const ends: { at: SourcePartition; high: number }[] = [];
    for (const { topic, epoch } of (await this.sources()).filter(isRead)) {
      for (const { partition, high } of await this.tools.admin.offsets(topic)) {
        ends.push({ at: { topic, epoch, partition }, high });
      }
    }
    await waitFor(
      'every record is folded and stored',
      async () => {
        const offsets = await this.nextOffsets();
        return ends.every(({ at, high }) => (offsets.get(partitionName(at)) ?? 0) >= high);
      },
      seconds,
    );
  }

  /** The next offset of each checkpoint, by partition. */
  async nextOffsets(): Promise<ReadonlyMap<string, number>> {
    const rows = await queryRows<SourcePartition & { next: string }>(
      this.stack.clickHouse,
      'SELECT topic, epoch, partition, toString(next_offset) AS next FROM checkpoints FINAL',
    );
    return new Map(rows.map((row) => [partitionName(row), Number(row.next)]));
  }

  /**
   * How ClickHouse differs from what the log must come to; no aggregator may be running. Ticks that
   * were appended and not read yet lie beyond the checkpoints: the log is compared up to these.
   */
  async differences(): Promise<readonly string[]> {
    return compareWithClickHouse(this.stack.clickHouse, await this.expected());
  }

  /** What the log must come to, up to the checkpoints. */
  async expected(): Promise<ExpectedTotals> {
    const sources = await this.sources();
    const expected = new ExpectedTotals(sources);
    const offsets = await this.nextOffsets();
    for (const log of await readLog(
      this.stack.kafka,
      sources.map(({ topic }) => topic),
    )) {
      const epoch = sources.find(({ topic }) => topic === log.topic)?.epoch ?? 0;
      const at = { topic: log.topic, epoch, partition: log.partition };
      const end = offsets.get(partitionName(at)) ?? 0;
      const folded = log.records.filter(({ offset }) => offset < end);
      this.sent.tell(expected, at, folded);
    }
    return expected;
  }

  /** Stops every aggregator in good order. */
  async stopAll(): Promise<void> {
    await Promise.all(this.started.map((service) => service.stop()));
  }

  async close(): Promise<void> {
    await Promise.all(this.started.map((service) => service.kill()));
    await this.tools.writer.close();
    await this.admin.disconnect();
    await this.stack.close();
  }
}
