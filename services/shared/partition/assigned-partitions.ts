import type { Logger } from 'pino';
import type { UnreadableAt } from '../kafka/fetched-batch.ts';
import type { GroupReader, PartitionReaders } from '../kafka/group-reader.ts';
import type { TopicPartition } from '../model/log-record.ts';
import type { RecordBatch } from '../model/record-batch.ts';
import { Attempt } from '../process/attempt.ts';
import { attemptProblem, fetchProblem, type Health } from '../process/health.ts';

/** Works on one assigned partition. */
export interface PartitionOwner {
  readonly at: TopicPartition;
  /** The partition's name in messages. */
  readonly name: string;
  /** Its progress, for the health page. */
  status(): { readonly halt: { readonly code: string; readonly message: string } | null };
  /** What keeps it from its work, other than a halt. An entry of null means nothing. */
  problems(stallMillis: number): readonly (string | null)[];
  position(): Promise<number | null>;
  /** See `PartitionReaders`. */
  consume(batches: readonly RecordBatch[], next: number, isBehind?: boolean): Promise<boolean>;
  unreadable(batch: UnreadableAt): Promise<void>;
  /** Does what is due at this time. It is not called again before it has finished. */
  onTimer(): Promise<void>;
  /** Finishes the work in progress and stores the folded records, then drops the partition. */
  close(): Promise<void>;
  /**
   * Forgets everything at once, because the partition belongs to another process or this process ends.
   */
  drop(): void;
}

export interface AssignedPartitionsPorts<Worker extends PartitionOwner> {
  readonly openReader: (topics: readonly string[], readers: PartitionReaders) => GroupReader;
  /** Reads the register of sources and applies what has changed in it. */
  readonly applySources: () => Promise<unknown>;
  /**
   * Identifies the log of an assigned partition: another log in the same place has another key. Null if the
   * register does not name the topic, so that the partition must not be read.
   */
  readonly keyOf: (at: TopicPartition) => string | null;
  /** `report` tells the consumer group that everything before an offset is done. */
  readonly newWorker: (at: TopicPartition, report: (nextOffset: number) => void) => Worker;
  readonly logger: Logger;
  readonly now: () => number;
  /** Ends the process so that it is restarted: something failed that no retry can fix. */
  readonly onCrash: (error: Error) => void;
}

export interface AssignedPartitionsOptions {
  /** Milliseconds between reads of the register of sources. */
  readonly sourcesInterval: number;
  /** Milliseconds between checks that each log is still the log that was folded. */
  readonly verifyInterval: number;
  /** Milliseconds without progress on pending work after which the process is not ready. */
  readonly stallMillis: number;
  /** Milliseconds that a graceful stop may take to finish and store the work in progress. */
  readonly closeMillis: number;
}

const TIMER_MILLIS = 100;

/**
 * The partitions that the consumer group has assigned to this process, with a worker for each. Any number
 * of processes may run, and each partition has one owner. A process that has lost a partition without
 * noticing does no harm.
 */
export class AssignedPartitions<Worker extends PartitionOwner> implements PartitionReaders {
  private readonly ports: AssignedPartitionsPorts<Worker>;
  private readonly options: AssignedPartitionsOptions;
  private workersByKey = new Map<string, Worker>();
  private reader: GroupReader | null = null;
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly applying: Attempt;
  private lastApplied: Promise<void> = Promise.resolve();
  private isStopping = false;
  private readonly verify = this.task((worker) => this.reposition(worker));

  constructor(ports: AssignedPartitionsPorts<Worker>, options: AssignedPartitionsOptions) {
    this.ports = ports;
    this.options = options;
    this.applying = new Attempt(ports.now);
  }

  get workers(): readonly Worker[] {
    return [...this.workersByKey.values()];
  }

  /** Starts the periodic work. */
  start(): void {
    const { sourcesInterval, verifyInterval } = this.options;
    const onTimer = this.task((worker) => worker.onTimer());
    this.every(TIMER_MILLIS, onTimer);
    this.every(verifyInterval, this.verify);
    let isApplying = false;
    this.every(sourcesInterval, () => {
      if (isApplying) return;
      isApplying = true;
      this.lastApplied = this.applySources().finally(() => {
        isApplying = false;
      });
    });
  }

  every(interval: number, run: () => void): void {
    this.timers.push(setInterval(run, interval));
  }

  /** Joins the group to read these topics. Call `leave` before another `join`. */
  async join(topics: readonly string[]): Promise<void> {
    if (topics.length === 0 || this.isStopping) return;
    this.reader = this.ports.openReader(topics, this);
    await this.reader.start();
  }

  async leave(): Promise<void> {
    await this.reader?.stop();
    this.reader = null;
  }

  /** Finishes the work in progress, stores the folded records, leaves the group and returns. */
  async stop(): Promise<void> {
    this.isStopping = true;
    for (const timer of this.timers) clearInterval(timer);
    await this.close();
    await this.leave();
  }

  /** Leaves work that cannot be finished in time to the next owner. */
  private async close(): Promise<void> {
    let deadline: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      deadline = setTimeout(() => {
        this.ports.logger.warn('could not store everything in time: the next owner will do it');
        for (const worker of this.workers) worker.drop();
        resolve();
      }, this.options.closeMillis);
    });
    const closed = this.lastApplied.then(async () => {
      await Promise.all(this.workers.map((worker) => worker.close()));
    });
    await Promise.race([closed, late]);
    clearTimeout(deadline);
  }

  /** Asks a worker for its position again, and reads from there. */
  async reposition(worker: Worker): Promise<void> {
    await this.reader?.reposition(worker.at);
  }

  async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    const before = this.workersByKey;
    this.workersByKey = new Map();
    for (const at of partitions) {
      const key = this.ports.keyOf(at);
      if (key === null) continue; // until the register names it
      this.workersByKey.set(key, before.get(key) ?? this.newWorker(at));
    }
    for (const [key, worker] of before) if (!this.workersByKey.has(key)) worker.drop();
    const names = this.workers.map(({ name }) => name);
    this.ports.logger.info({ partitions: names }, 'partitions assigned');
    await Promise.resolve();
  }

  async position(at: TopicPartition): Promise<number | null> {
    return (await this.workerOf(at)?.position()) ?? null;
  }

  async consume(
    at: TopicPartition,
    batches: readonly RecordBatch[],
    next: number,
    isBehind: boolean,
  ): Promise<boolean> {
    return (await this.workerOf(at)?.consume(batches, next, isBehind)) ?? false;
  }

  async unreadable(at: TopicPartition, batch: UnreadableAt): Promise<void> {
    await this.workerOf(at)?.unreadable(batch);
  }

  stalled(): void {
    this.ports.logger.info('reading had stopped for a while: checking that the logs are unchanged');
    this.verify();
  }

  /**
   * The process is ready while it makes progress: it fetches, it applies the register of sources, no
   * partition has halted, and nothing else keeps a worker from its work.
   */
  health(): Health {
    const { stallMillis } = this.options;
    const { workers } = this;
    const notFetchedFor = this.reader?.notFetchedFor() ?? null;
    const problems = [
      fetchProblem(notFetchedFor, stallMillis),
      attemptProblem(
        'the register of sources could not be applied',
        this.applying.pendingFor,
        stallMillis,
      ),
      ...workers.flatMap((worker) => [haltProblem(worker), ...worker.problems(stallMillis)]),
    ];
    return {
      problems: problems.filter((problem) => problem !== null),
      details: { notFetchedFor, partitions: workers.map((worker) => worker.status()) },
    };
  }

  private newWorker(at: TopicPartition): Worker {
    return this.ports.newWorker(at, (nextOffset) => {
      this.reader?.report(at, nextOffset).catch((error: unknown) => {
        this.ports.logger.debug({ err: error }, 'could not report an offset to the group');
      });
    });
  }

  private workerOf(at: TopicPartition): Worker | undefined {
    const key = this.ports.keyOf(at);
    return key === null ? undefined : this.workersByKey.get(key);
  }

  private async applySources(): Promise<void> {
    try {
      await this.applying.run(this.ports.applySources);
    } catch (error) {
      const message = 'could not apply the register of sources; trying again';
      this.ports.logger.warn({ err: error }, message);
    }
  }

  /**
   * Runs a task for every worker, except where the worker's previous run has not finished. No worker waits
   * for another.
   */
  private task(run: (worker: Worker) => Promise<void>): () => void {
    const underWay = new Set<Worker>();
    return () => {
      for (const worker of this.workers) {
        if (underWay.has(worker)) continue;
        underWay.add(worker);
        run(worker)
          .catch(this.ports.onCrash)
          .finally(() => underWay.delete(worker));
      }
    };
  }
}

const haltProblem = (worker: PartitionOwner): string | null => {
  const { halt } = worker.status();
  return halt && `${worker.name} has halted, ${halt.code}: ${halt.message}`;
};
