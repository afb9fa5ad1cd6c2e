import type { LogInspector } from '../kafka/log-inspector.ts';
import { LogRecognition } from '../kafka/log-recognition.ts';
import type { LogBounds } from '../kafka/topics.ts';
import type { TopicPartition } from '../model/log-record.ts';
import { Attempt } from '../process/attempt.ts';
import { Serial } from '../process/serial.ts';

export interface OwnershipPorts {
  readonly log: LogInspector;
  readonly now: () => number;
  /** Runs a step again until it succeeds or the partition is dropped. */
  readonly persist: <T>(what: string, step: () => Promise<T>, signal: AbortSignal) => Promise<T>;
}

/**
 * The time in which an owner holds one partition of a log. Its tasks run one at a time, and none runs once
 * the partition has halted or belongs to another process.
 */
export class Ownership<Halt extends { readonly message: string }> {
  /** Checks that the log is still the log that was folded. */
  readonly recognition: LogRecognition;
  private readonly at: TopicPartition;
  private readonly ports: OwnershipPorts;
  private readonly tell: (halt: Halt) => void;
  private readonly serial = new Serial();
  private readonly step: Attempt;
  private readonly dropped = new AbortController();
  private halted: Halt | null = null;
  /** Why it waits for a batch. Reading the batch is retried from time to time. */
  private waits: Halt | null = null;

  /** `tell` is called once for each reason to halt or to wait. */
  constructor(at: TopicPartition, ports: OwnershipPorts, tell: (halt: Halt) => void) {
    this.at = at;
    this.ports = ports;
    this.tell = tell;
    this.step = new Attempt(ports.now);
    this.recognition = new LogRecognition(() => this.bounds());
  }

  /** Why it has halted or waits; null if it does neither. */
  get halt(): Halt | null {
    return this.halted ?? this.waits;
  }

  isDropped(): boolean {
    return this.dropped.signal.aborted;
  }

  /** Milliseconds since it began the task that has not succeeded yet. */
  get atStepFor(): number {
    return this.step.pendingFor;
  }

  /**
   * Runs a task when its turn comes. Returns `otherwise` if the partition has halted or been dropped by
   * then.
   */
  run<T>(otherwise: T, task: () => Promise<T>): Promise<T> {
    return this.serial.run(async () => {
      if (this.halted !== null || this.isDropped()) return otherwise;
      try {
        return await this.step.run(task);
      } catch (error) {
        if (this.isDropped()) return otherwise;
        throw error;
      }
    });
  }

  /** When its turn comes, asks whether the reason for the halt is gone, and continues if it is. */
  retry(isMended: (halt: Halt) => Promise<boolean>): Promise<boolean> {
    return this.serial.run(async () => {
      const { halt } = this;
      if (this.isDropped() || halt === null || !(await isMended(halt))) return false;
      this.halted = null;
      this.waits = null;
      return true;
    });
  }

  /** Halts: from now on only a retry has any effect. */
  stop(halt: Halt): null {
    this.halted = halt;
    this.tell(halt);
    return null;
  }

  /** Waits for a batch that cannot be read. Tasks still run. */
  wait(halt: Halt): void {
    if (this.waits?.message !== halt.message) this.tell(halt);
    this.waits = halt;
  }

  /** The batch that it waited for has been read. */
  clearWait(): void {
    this.waits = null;
  }

  persist<T>(what: string, step: () => Promise<T>): Promise<T> {
    return this.ports.persist(what, step, this.dropped.signal);
  }

  bounds(): Promise<LogBounds> {
    return this.persist('read the log bounds', () => this.ports.log.bounds(this.at));
  }

  /** The partition belongs to another process, or this process ends. */
  drop(): void {
    this.dropped.abort();
  }
}
