import type { Logger } from 'pino';
import type { TopicPartition } from '../shared/model/log-record.ts';
import { newestEpoch, partitionName, sourceName, type Source } from '../shared/model/source.ts';
import {
  AssignedPartitions,
  type AssignedPartitionsOptions,
  type AssignedPartitionsPorts,
} from '../shared/partition/assigned-partitions.ts';
import type { Health } from '../shared/process/health.ts';
import type { Knowledge } from '../shared/usage-fold/knowledge.ts';
import { PartitionWorker, type WorkerOptions, type WorkerPorts } from './partition-worker.ts';

export interface AggregatorOptions
  extends WorkerOptions, Omit<AssignedPartitionsOptions, 'closeMillis'> {}

export interface AggregatorPorts {
  /** What this process is able to apply. Reads the schema directory again; the rest stays. */
  readonly readKnowledge: () => Knowledge;
  /** The sources whose topics should be read now. */
  readonly sources: () => Promise<readonly Source[]>;
  readonly openReader: AssignedPartitionsPorts<PartitionWorker>['openReader'];
  readonly worker: Omit<WorkerPorts, 'report'>;
  readonly logger: Logger;
  /** Ends the process so that it is restarted: something failed that no retry can fix. */
  readonly onCrash: (error: Error) => void;
}

/** Milliseconds that a graceful stop may take to store the folded records. */
const CLOSE_MILLIS = 5_000;

/**
 * Reads the sources in the register, with one worker for each partition that the consumer group assigns to
 * this process. To read topics that appear later, it joins the group again. That costs a rebalance but
 * loses no work: a worker's state is a pure function of its log, so a partition that returns to this
 * process continues where it was.
 */
export class Aggregator {
  private knowledge: Knowledge;
  private readonly ports: AggregatorPorts;
  private readonly options: AggregatorOptions;
  private readonly partitions: AssignedPartitions<PartitionWorker>;
  private sources: readonly Source[] = [];

  constructor(ports: AggregatorPorts, options: AggregatorOptions) {
    this.knowledge = ports.readKnowledge();
    this.ports = ports;
    this.options = options;
    this.partitions = new AssignedPartitions(
      {
        ...ports,
        now: ports.worker.now,
        applySources: () => this.applySources(),
        keyOf: (at) => {
          const source = this.sourceOf(at);
          return source ? partitionName({ ...source, partition: at.partition }) : null;
        },
        newWorker: (at, report) => this.newWorker(at, report),
      },
      { ...options, closeMillis: CLOSE_MILLIS },
    );
  }

  async start(): Promise<void> {
    await this.applySources();
    this.partitions.start();
    this.partitions.every(this.options.sourcesInterval, () => this.retryHalted());
  }

  /** Stores the folded records, leaves the group and returns. */
  stop(): Promise<void> {
    return this.partitions.stop();
  }

  health(): Health {
    return this.partitions.health();
  }

  private newWorker(
    { topic, partition }: TopicPartition,
    report: (nextOffset: number) => void,
  ): PartitionWorker {
    const source = this.sourceOf({ topic });
    if (!source) throw new Error(`${topic} is not in the register`);
    const place = { topic, epoch: source.epoch, partition, source };
    return new PartitionWorker(
      place,
      this.knowledge,
      { ...this.ports.worker, report },
      this.options,
    );
  }

  /** The source whose log the topic holds now: the topic's newest epoch. */
  private sourceOf({ topic }: Pick<TopicPartition, 'topic'>): Source | undefined {
    return newestEpoch(this.sources, topic);
  }

  /**
   * Continues halted partitions whose lost records have been accepted since, or whose rules need a schema
   * that was published after this process started.
   */
  private retryHalted(): void {
    const halted = this.partitions.workers.filter((worker) => worker.status().halt !== null);
    if (halted.some((worker) => worker.status().halt?.code === 'unknown-rules'))
      this.readSchemasAgain();
    for (const worker of halted) {
      worker
        .retry(this.knowledge)
        .then(async (goesOn) => {
          if (goesOn) await this.partitions.reposition(worker);
        })
        .catch((error: unknown) => {
          this.ports.logger.debug({ err: error }, 'could not look for accepted losses');
        });
    }
  }

  /** The directory may be incomplete while somebody writes to it. Then it is read the next time. */
  private readSchemasAgain(): void {
    try {
      this.knowledge = this.ports.readKnowledge();
    } catch (error) {
      this.ports.logger.warn({ err: error }, 'could not read the schema directory; trying again');
    }
  }

  /** Reads the register. If its sources have changed, joins the group again to read them. */
  private async applySources(): Promise<void> {
    const sources = await this.ports.sources();
    const names = (list: readonly Source[]): string => list.map(sourceName).sort().join();
    if (names(sources) === names(this.sources)) return;
    const topics = [...new Set(sources.map(({ topic }) => topic))].sort();
    this.ports.logger.info({ topics }, 'the sources to read have changed');
    await this.partitions.leave();
    this.sources = sources;
    try {
      await this.partitions.join(topics);
    } catch (error) {
      this.sources = []; // so that the next call tries again
      throw error;
    }
  }
}
