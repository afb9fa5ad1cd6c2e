import type { Logger } from 'pino';
import type { LogRecord, TopicPartition } from '../shared/model/log-record.ts';
import type { UnreadableAt } from '../shared/kafka/fetched-batch.ts';
import type { GroupReader, PartitionReaders } from '../shared/kafka/group-reader.ts';
import { Attempt } from '../shared/process/attempt.ts';
import {
  attemptProblem,
  fetchProblem,
  secondsText,
  type Health,
} from '../shared/process/health.ts';
import { newestLife, partitionName, sourceName, type Source } from '../shared/model/source.ts';
import type { Knowledge } from '../shared/usage-fold/knowledge.ts';
import { PartitionWorker, type WorkerOptions, type WorkerPorts } from './partition-worker.ts';

export interface AggregatorOptions extends WorkerOptions {
  /** Milliseconds between looks at the register of sources. */
  readonly sourcesInterval: number;
  /** Milliseconds without progress, although there is work, after which it counts as not ready. */
  readonly stallMillis: number;
  /** Milliseconds between checks that each log is still the one that was folded. */
  readonly verifyInterval: number;
}

export interface AggregatorPorts {
  /** What this process is able to apply, as far as it can be read again: the schema directory. */
  readonly readKnowledge: () => Knowledge;
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
  private knowledge: Knowledge;
  private readonly ports: AggregatorPorts;
  private readonly options: AggregatorOptions;
  private sources: readonly Source[] = [];
  private workers = new Map<string, PartitionWorker>();
  private reader: GroupReader | null = null;
  private readonly timers: NodeJS.Timeout[] = [];
  private looking: Promise<void> = Promise.resolve();
  private isLooking = false;
  private readonly taking: Attempt;
  private readonly verifying = new Set<PartitionWorker>();

  constructor(ports: AggregatorPorts, options: AggregatorOptions) {
    this.knowledge = ports.readKnowledge();
    this.ports = ports;
    this.options = options;
    this.taking = new Attempt(ports.worker.now);
  }

  async start(): Promise<void> {
    await this.look();
    this.every(TIMER_MILLIS, () => this.forEachWorker((worker) => worker.onTimer()));
    this.every(this.options.verifyInterval, () => this.verify());
    this.every(this.options.sourcesInterval, () => {
      if (!this.isLooking) this.looking = this.lookAgain();
      this.retryHalted();
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
    const closed = Promise.all([...this.workers.values()].map((worker) => worker.close()));
    await Promise.race([closed, late]);
    clearTimeout(deadline);
  }

  async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    const before = this.workers;
    this.workers = new Map();
    for (const at of partitions) {
      const source = this.sourceOf(at);
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

  async take(at: TopicPartition, records: readonly LogRecord[], next: number): Promise<boolean> {
    return (await this.workerOf(at)?.take(records, next)) ?? false;
  }

  async unreadable(at: TopicPartition, batch: UnreadableAt): Promise<void> {
    await this.workerOf(at)?.unreadable(batch);
  }

  stalled(): void {
    this.ports.logger.info('reading had stopped for a while: checking that the logs are the same');
    this.verify();
  }

  /**
   * Ready while it makes progress: it fetches, it takes up the register of sources, no partition has
   * halted, and none has been behind for long with what it has taken. The details say how far each one is.
   */
  health(): Health {
    const { stallMillis } = this.options;
    const partitions = [...this.workers.values()].map((worker) => worker.status());
    const notFetchedFor = this.reader?.notFetchedFor() ?? null;
    const problems = [
      fetchProblem(notFetchedFor, stallMillis),
      attemptProblem(
        'the register of sources could not be taken up',
        this.taking.pendingFor,
        stallMillis,
      ),
      ...partitions.map(({ partition, halt, behindFor }) => {
        if (halt !== null) return `${partition} has halted, ${halt.code}: ${halt.message}`;
        if (behindFor < stallMillis) return null;
        return `${partition} has stored nothing of what it has taken for ${secondsText(behindFor)}`;
      }),
    ];
    return {
      problems: problems.filter((problem) => problem !== null),
      details: { notFetchedFor, partitions },
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

  /** The source whose log stands in a topic now: its newest life. */
  private sourceOf({ topic }: TopicPartition): Source | undefined {
    return newestLife(this.sources, topic);
  }

  private workerOf(at: TopicPartition): PartitionWorker | undefined {
    const source = this.sourceOf(at);
    return source && this.workers.get(partitionName({ ...source, partition: at.partition }));
  }

  /** Does something for every worker; none of them waits for another. */
  private forEachWorker(task: (worker: PartitionWorker) => Promise<void>): void {
    for (const worker of this.workers.values()) task(worker).catch(this.ports.onCrash);
  }

  /** Reads each partition from its last record on, so that another log is noticed. */
  private verify(): void {
    this.forEachWorker(async (worker) => {
      if (this.verifying.has(worker)) return;
      this.verifying.add(worker);
      await this.reader?.reposition(worker.place);
      this.verifying.delete(worker);
    });
  }

  /**
   * Goes on with partitions whose loss of records has been accepted meanwhile, or whose rules ask for a
   * schema that has been published since this process began.
   */
  private retryHalted(): void {
    const halted = [...this.workers.values()].filter((worker) => worker.status().halt !== null);
    if (halted.some((worker) => worker.status().halt?.code === 'unknown-rules'))
      this.lookAtSchemas();
    for (const worker of halted) {
      worker
        .retry(this.knowledge)
        .then(async (goesOn) => {
          if (goesOn) await this.reader?.reposition(worker.place);
        })
        .catch((error: unknown) => {
          this.ports.logger.debug({ err: error }, 'could not look for accepted losses');
        });
    }
  }

  /** Somebody may be writing to the directory at this moment: then it is read the next time. */
  private lookAtSchemas(): void {
    try {
      this.knowledge = this.ports.readKnowledge();
    } catch (error) {
      this.ports.logger.warn({ err: error }, 'could not read the schema directory; trying again');
    }
  }

  /** Reads the register; where it has other sources than before, joins the group anew for them. */
  private async look(): Promise<void> {
    const sources = await this.ports.sources();
    const names = (list: readonly Source[]): string => list.map(sourceName).sort().join();
    if (names(sources) === names(this.sources)) return;
    const topics = [...new Set(sources.map(({ topic }) => topic))].sort();
    this.ports.logger.info({ topics }, 'the sources to read have changed');
    await this.reader?.stop();
    this.sources = sources;
    this.reader = null;
    if (topics.length === 0) return;
    try {
      this.reader = this.ports.openReader(topics, this);
      await this.reader.start();
    } catch (error) {
      this.sources = []; // so that the next look tries again
      throw error;
    }
  }

  private async lookAgain(): Promise<void> {
    this.isLooking = true;
    try {
      await this.taking.run(() => this.look());
    } catch (error) {
      this.ports.logger.warn(
        { err: error },
        'could not take up the register of sources; trying again',
      );
    } finally {
      this.isLooking = false;
    }
  }

  private every(interval: number, task: () => void): void {
    this.timers.push(setInterval(task, interval));
  }
}
