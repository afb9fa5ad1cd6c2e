import type { Logger } from 'pino';
import type { LogRecord, TopicPartition } from '../shared/log-record.ts';
import type { GroupReader, PartitionReaders } from '../shared/kafka/group-reader.ts';
import type { Health } from '../shared/health.ts';
import { partitionName, type Source } from '../shared/source.ts';
import type { Knowledge } from './fold/knowledge.ts';
import { PartitionWorker, type WorkerOptions, type WorkerPorts } from './partition-worker.ts';

export interface AggregatorOptions extends WorkerOptions {
  /** Milliseconds between looks at the register of sources. */
  readonly sourcesInterval: number;
  /** Milliseconds between checks that each log is still the one that was folded. */
  readonly verifyInterval: number;
}

export interface AggregatorPorts {
  /** The sources whose topics are to be read now. */
  readonly sources: () => Promise<readonly Source[]>;
  readonly openReader: (topics: readonly string[], readers: PartitionReaders) => GroupReader;
  readonly worker: Omit<WorkerPorts, 'stored'>;
  readonly logger: Logger;
  /** Ends the process, to be started again: something failed that no retry mends. */
  readonly onCrash: (error: Error) => void;
}

const TIMER_MILLIS = 100;
/** How long a graceful stop may take to store what has been folded, in milliseconds. */
const CLOSE_MILLIS = 5_000;

/**
 * Reads the sources of the register: a worker for each partition that the consumer group assigns to
 * this process. Topics that appear later are taken up by joining the group anew, which costs a
 * rebalance but no work: a worker's state is a pure function of its log, so a partition that comes
 * back to this process goes on where it was.
 */
export class Aggregator implements PartitionReaders {
  private readonly knowledge: Knowledge;
  private readonly ports: AggregatorPorts;
  private readonly options: AggregatorOptions;
  private sources: readonly Source[] = [];
  private workers = new Map<string, PartitionWorker>();
  private reader: GroupReader | null = null;
  private readonly timers: NodeJS.Timeout[] = [];
  private looking: Promise<void> = Promise.resolve();

  constructor(knowledge: Knowledge, ports: AggregatorPorts, options: AggregatorOptions) {
    this.knowledge = knowledge;
    this.ports = ports;
    this.options = options;
  }

  async start(): Promise<void> {
    await this.look();
    this.every(TIMER_MILLIS, () => this.eachWorker((worker) => worker.onTimer()));
    this.every(this.options.verifyInterval, () => this.verify());
    this.every(this.options.sourcesInterval, () => {
      this.looking = this.lookAgain();
      return this.looking;
    });
  }

  /** Stores what has been folded, leaves the group and returns. */
  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await this.looking;
    await this.closeWorkers();
    await this.reader?.stop();
  }

  /** What cannot be stored in time is folded again by the next owner. */
  private async closeWorkers(): Promise<void> {
    let deadline: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      deadline = setTimeout(() => {
        this.ports.logger.warn('could not store everything in time: the next owner folds it again');
        for (const worker of this.workers.values()) worker.drop();
        resolve();
      }, CLOSE_MILLIS);
    });
    await Promise.race([this.eachWorker((worker) => worker.close()), late]);
    clearTimeout(deadline);
  }

  async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    const before = this.workers;
    this.workers = new Map();
    for (const at of partitions) {
      const source = this.sources.find(({ topic }) => topic === at.topic);
      if (!source) continue; // taken up when the register is looked at next
      const place = { topic: at.topic, epoch: source.epoch, partition: at.partition, source };
      const name = partitionName(place);
      this.workers.set(name, before.get(name) ?? this.newWorker(place));
    }
    for (const [name, worker] of before) if (!this.workers.has(name)) worker.drop();
    this.ports.logger.info({ partitions: [...this.workers.keys()] }, 'partitions assigned');
    await Promise.resolve();
  }

  async position(at: TopicPartition): Promise<number | null> {
    return (await this.workerOf(at)?.position()) ?? null;
  }

  async take(at: TopicPartition, records: readonly LogRecord[]): Promise<boolean> {
    return (await this.workerOf(at)?.take(records)) ?? false;
  }

  stalled(): void {
    this.ports.logger.info('reading had stopped for a while: checking that the logs are the same');
    void this.verify();
  }

  /** Ready while it reads and no partition has halted; the details say how far each one is. */
  health(): Health {
    const partitions = [...this.workers.values()].map((worker) => worker.status());
    return {
      ready: this.reader !== null && partitions.every(({ halt }) => halt === null),
      details: { partitions },
    };
  }

  private newWorker(place: PartitionWorker['place']): PartitionWorker {
    const ports: WorkerPorts = {
      ...this.ports.worker,
      stored: (stored, nextOffset) => {
        this.reader?.report(stored, nextOffset).catch((error: unknown) => {
          this.ports.logger.debug({ err: error }, 'could not report an offset to the group');
        });
      },
    };
    return new PartitionWorker(place, this.knowledge, ports, this.options);
  }

  private workerOf(at: TopicPartition): PartitionWorker | undefined {
    const source = this.sources.find(({ topic }) => topic === at.topic);
    return source && this.workers.get(partitionName({ ...source, partition: at.partition }));
  }

  private async eachWorker(task: (worker: PartitionWorker) => Promise<void>): Promise<void> {
    await Promise.all([...this.workers.values()].map(task));
  }

  private async verify(): Promise<void> {
    await this.eachWorker(async (worker) => {
      await this.reader?.reposition(worker.place);
    });
  }

  /** Reads the register; where it has new topics, joins the group anew for them. */
  private async look(): Promise<void> {
    const sources = await this.ports.sources();
    const known = new Set(this.sources.map(({ topic }) => topic));
    if (sources.every(({ topic }) => known.has(topic))) return;
    const topics = sources.map(({ topic }) => topic).sort();
    this.ports.logger.info({ topics }, 'there are new sources to read');
    await this.reader?.stop();
    this.sources = sources;
    try {
      this.reader = this.ports.openReader(topics, this);
      await this.reader.start();
    } catch (error) {
      this.sources = []; // so that the next look tries again
      throw error;
    }
  }

  private async lookAgain(): Promise<void> {
    try {
      await this.look();
    } catch (error) {
      this.ports.logger.warn(
        { err: error },
        'could not take up the register of sources; trying again',
      );
    }
  }

  private every(interval: number, task: () => Promise<void>): void {
    let running = false;
    const timer = setInterval(() => {
      if (running) return;
      running = true;
      task()
        .catch(this.ports.onCrash)
        .finally(() => {
          running = false;
        });
    }, interval);
    this.timers.push(timer);
  }
}
