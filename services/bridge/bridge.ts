import type { Logger } from 'pino';
import {
  AssignedPartitions,
  type AssignedPartitionsOptions,
  type AssignedPartitionsPorts,
} from '../shared/partition/assigned-partitions.ts';
import type { Health } from '../shared/process/health.ts';
import type { Gate } from './commerce/gate.ts';
import { LogWorker } from './log-worker.ts';
import type { WorkerKnowledge, WorkerOptions, WorkerPorts } from './worker-ports.ts';

export interface BridgeOptions
  extends WorkerOptions, Omit<AssignedPartitionsOptions, 'closeMillis'> {}

export interface BridgePorts {
  readonly openReader: AssignedPartitionsPorts<LogWorker>['openReader'];
  readonly worker: Omit<WorkerPorts, 'report'>;
  readonly logger: Logger;
}

/** Milliseconds that a graceful stop may take to store and to finish what is in flight. */
const CLOSE_MILLIS = 8_000;

/**
 * Reads the aggregates topic, with a worker for each partition that the consumer group assigns to this
 * process.
 */
export class Bridge {
  private readonly topic: string;
  private readonly partitions: AssignedPartitions<LogWorker>;
  private readonly gate: Gate;

  constructor(
    topic: string,
    knowledge: WorkerKnowledge,
    ports: BridgePorts,
    options: BridgeOptions,
  ) {
    this.topic = topic;
    this.gate = ports.worker.sender.gate;
    const { register, now, onCrash } = ports.worker;
    this.partitions = new AssignedPartitions(
      {
        ...ports,
        now,
        onCrash,
        applySources: () => register.refresh(),
        keyOf: ({ partition }) => String(partition),
        newWorker: (at, report) =>
          new LogWorker(at, knowledge, { ...ports.worker, report }, options),
      },
      { ...options, closeMillis: CLOSE_MILLIS },
    );
  }

  async start(): Promise<void> {
    await this.partitions.join([this.topic]);
    this.partitions.start();
  }

  /** Finishes what is in flight, stores the folded records, leaves the group and returns. */
  stop(): Promise<void> {
    return this.partitions.stop();
  }

  health(): Health {
    const { problems, details } = this.partitions.health();
    const statuses = this.partitions.workers.map((worker) => worker.status());
    return {
      problems,
      details: {
        compositions: sum(statuses.map(({ compositions }) => compositions)),
        pending: sum(statuses.map(({ pending }) => pending)),
        lastError: statuses.find(({ lastError }) => lastError !== null)?.lastError ?? null,
        /** `open` or `probing`: Commerce has failed too often, and is only tried now and then. */
        commerce: this.gate.status(),
        blocked: statuses.flatMap(({ blocked }) => blocked),
        ...details,
      },
    };
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
