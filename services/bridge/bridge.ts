import type { Logger } from 'pino';
import { Attempt } from '../shared/process/attempt.ts';
import { attemptProblem, fetchProblem, type Health } from '../shared/process/health.ts';
import type { UnreadableAt } from '../shared/kafka/fetched-batch.ts';
import type { GroupReader, PartitionReaders } from '../shared/kafka/group-reader.ts';
import type { LogRecord, TopicPartition } from '../shared/model/log-record.ts';
import {
  LogWorker,
  type WorkerKnowledge,
  type WorkerOptions,
  type WorkerPorts,
  type WorkerStatus,
} from './log-worker.ts';

export interface BridgeOptions extends WorkerOptions {
  /** Milliseconds between looks at the register of sources. */
  readonly sourcesInterval: number;
  /** Milliseconds between checks that each log is still the one that was folded. */
  readonly verifyInterval: number;
  /** Milliseconds without progress, although there is work, after which it counts as not ready. */
  readonly stallMillis: number;
}

export interface BridgePorts {
  readonly openReader: (readers: PartitionReaders) => GroupReader;
  readonly worker: Omit<WorkerPorts, 'finished'>;
  readonly logger: Logger;
}

const TIMER_MILLIS = 100;
/** How long a graceful stop may take to store and to end what is in flight, in milliseconds. */
const CLOSE_MILLIS = 8_000;

/**
 * Reads the aggregates topic: a worker for each partition that the consumer group assigns to this
 * process. Any number of bridges may run; each partition has one owner, and what an owner does that
 * has lost its partition without knowing it changes nothing.
 */
export class Bridge implements PartitionReaders {
  private readonly knowledge: WorkerKnowledge;
  private readonly ports: BridgePorts;
  private readonly options: BridgeOptions;
  private readonly reader: GroupReader;
  private workers = new Map<number, LogWorker>();
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly refreshing: Attempt;

  constructor(knowledge: WorkerKnowledge, ports: BridgePorts, options: BridgeOptions) {
    this.knowledge = knowledge;
    this.ports = ports;
    this.options = options;
    this.refreshing = new Attempt(ports.worker.now);
    this.reader = ports.openReader(this);
  }

  async start(): Promise<void> {
    await this.reader.start();
    this.every(TIMER_MILLIS, () => this.eachWorker((worker) => worker.onTimer()));
    this.every(this.options.verifyInterval, () => this.verify());
    this.every(this.options.sourcesInterval, () => this.refreshSources());
  }

  /** Ends what is in flight, stores what has been folded, leaves the group and returns. */
  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    let deadline: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      deadline = setTimeout(() => {
        this.ports.logger.warn('could not end everything in time: the next owner goes on with it');
        for (const worker of this.workers.values()) worker.drop();
        resolve();
      }, CLOSE_MILLIS);
    });
    await Promise.race([this.eachWorker((worker) => worker.close()), late]);
    clearTimeout(deadline);
    await this.reader.stop();
  }

  async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    const before = this.workers;
    this.workers = new Map(
      partitions.map((at) => [at.partition, before.get(at.partition) ?? this.newWorker(at)]),
    );
    for (const [partition, worker] of before) if (!this.workers.has(partition)) worker.drop();
    this.ports.logger.info({ partitions: [...this.workers.keys()] }, 'partitions assigned');
    await Promise.resolve();
  }

  async position({ partition }: TopicPartition): Promise<number | null> {
    return (await this.workers.get(partition)?.position()) ?? null;
  }

  async take({ partition }: TopicPartition, records: readonly LogRecord[]): Promise<boolean> {
    return (await this.workers.get(partition)?.take(records)) ?? false;
  }

  async unreadable({ partition }: TopicPartition, batch: UnreadableAt): Promise<void> {
    await this.workers.get(partition)?.unreadable(batch);
  }

  stalled(): void {
    this.ports.logger.info('reading had stopped for a while: checking that the logs are the same');
    void this.verify();
  }

  /**
   * Ready while it makes progress: it fetches, it reads the register, what it composed is stored and sent,
   * no partition has halted and no source partition is blocked.
   */
  health(): Health {
    const { stallMillis } = this.options;
    const partitions = [...this.workers.values()].map((worker) => worker.status());
    const notFetchedFor = this.reader.notFetchedFor();
    const problems = [
      fetchProblem(notFetchedFor, stallMillis),
      attemptProblem(
        'the register of sources could not be read',
        this.refreshing.pendingFor,
        stallMillis,
      ),
      ...partitions.flatMap((status) => problemsOf(status, stallMillis)),
    ];
    return {
      problems: problems.filter((problem) => problem !== null),
      details: {
        notFetchedFor,
        compositions: sum(partitions.map(({ compositions }) => compositions)),
        pending: sum(partitions.map(({ pending }) => pending)),
        lastError: partitions.find(({ lastError }) => lastError !== null)?.lastError ?? null,
        blocked: partitions.flatMap(({ blocked }) => blocked),
        partitions,
      },
    };
  }

  private newWorker(at: TopicPartition): LogWorker {
    const ports: WorkerPorts = {
      ...this.ports.worker,
      finished: (partition, nextOffset) => {
        this.reader.report(partition, nextOffset).catch((error: unknown) => {
          this.ports.logger.debug({ err: error }, 'could not report an offset to the group');
        });
      },
    };
    return new LogWorker(at, this.knowledge, ports, this.options);
  }

  private async eachWorker(task: (worker: LogWorker) => Promise<void>): Promise<void> {
    await Promise.all([...this.workers.values()].map(task));
  }

  private async verify(): Promise<void> {
    await this.eachWorker((worker) => this.reader.reposition(worker.at));
  }

  private async refreshSources(): Promise<void> {
    try {
      await this.refreshing.run(() => this.ports.worker.register.refresh());
    } catch (error) {
      this.ports.logger.warn({ err: error }, 'could not read the register of sources');
    }
  }

  private every(interval: number, task: () => Promise<void>): void {
    let running = false;
    const timer = setInterval(() => {
      if (running) return;
      running = true;
      task()
        .catch(this.ports.worker.onCrash)
        .finally(() => {
          running = false;
        });
    }, interval);
    this.timers.push(timer);
  }
}

const problemsOf = (
  { partition, halt, blocked, atStepFor, notSentFor, lastError }: WorkerStatus,
  stallMillis: number,
): readonly (string | null)[] => [
  halt && `partition ${String(partition)} has halted, ${halt.code}: ${halt.message}`,
  ...blocked.map(({ source, reason }) => `${source} is not billed: ${reason}`),
  attemptProblem(`partition ${String(partition)} has not ended one step`, atStepFor, stallMillis),
  attemptProblem(
    `nothing of partition ${String(partition)} could be sent${lastError === null ? '' : `, since ${lastError},`}`,
    notSentFor,
    stallMillis,
  ),
];

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
