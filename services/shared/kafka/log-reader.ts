import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import { UserError } from '../process/errors.ts';
import { describeUnreadable } from './fetch/unreadable-batch.ts';
import type { UnreadableAt } from './fetched-batch.ts';
import { GroupReader } from './group-reader.ts';
import type { KafkaAdmin } from './admin.ts';
import type { LogRecord, TopicPartition } from '../model/log-record.ts';
import {
  batchesWithin,
  inParts,
  offsetBehind,
  recordsOf,
  type RecordBatch,
} from '../model/record-batch.ts';
import { Serial } from '../process/serial.ts';

/**
 * Takes records in order, some at a time. Offsets below `next` that are not among them hold no record.
 * Returns `enough` if it wants no more.
 */
export type TakeRecords = (records: readonly LogRecord[], next: number) => Promise<unknown>;

/** The same for batches, whose records need not become objects. */
export type TakeBatches = (batches: readonly RecordBatch[], next: number) => Promise<unknown>;

/** A partition's log cannot be read beyond an offset. */
export class UnreadableLog extends UserError {
  readonly batch: UnreadableAt;

  constructor(at: TopicPartition, batch: UnreadableAt) {
    super(
      `${nameOf(at)} cannot be read at ${describeUnreadable(batch)}; see docs/operations.md, "A batch cannot be read"`,
    );
    this.batch = batch;
  }
}

/** How long the broker may return nothing although the log continues. */
const PATIENCE_MILLIS = 60_000;

/** The most records that are objects at one time. */
const MOST_RECORDS = 5_000;

interface Reading {
  readonly at: TopicPartition;
  readonly end: number;
  readonly consume: TakeBatches;
  readonly done: (error?: Error) => void;
  next: number;
  /** Whether the consumer is taking records: then a delay is not the broker's. */
  busy: boolean;
}

/**
 * Reads partitions one at a time. It has a consumer group of its own, which is deleted on close, so reading
 * affects nobody else.
 */
export class LogReader {
  private readonly admin: KafkaAdmin;
  private readonly groupId = `usage-audit-${randomUUID()}`;
  private readonly group: GroupReader;
  private readonly serial = new Serial();
  private reading: Reading | null = null;
  private readonly assigned: Promise<void>;

  private constructor(kafka: Kafka, admin: KafkaAdmin, topics: readonly string[]) {
    this.admin = admin;
    let begin: () => void = () => undefined;
    this.assigned = new Promise((resolve) => {
      begin = resolve;
    });
    this.group = new GroupReader(
      kafka,
      {
        assigned: () => {
          begin();
          return Promise.resolve();
        },
        position: (at) => this.position(at),
        consume: (at, batches, next) => this.consume(at, batches, next),
        unreadable: (at, batch) => this.unreadable(at, batch),
        stalled: () => undefined,
      },
      {
        groupId: this.groupId,
        topics,
        sessionTimeout: 30_000,
        onCrash: (error) => this.reading?.done(error),
      },
    );
  }

  static async open(
    kafka: Kafka,
    admin: KafkaAdmin,
    topics: readonly string[],
  ): Promise<LogReader> {
    const reader = new LogReader(kafka, admin, topics);
    if (topics.length > 0) await reader.group.start();
    return reader;
  }

  async close(): Promise<void> {
    await this.group.stop();
    // If the group cannot be deleted, it expires by itself.
    await this.admin.deleteGroup(this.groupId).catch(() => undefined);
  }

  /**
   * Passes the records from one offset up to another to `consume`.
   * @throws UnreadableLog if the log cannot be read further; the records before that have been passed on
   * @throws UserError if the first records have expired, or the broker returns no more
   */
  read(at: TopicPartition, from: number, end: number, consume: TakeRecords): Promise<void> {
    return this.readBatches(at, from, end, (batches, next) => consume(recordsOf(batches), next));
  }

  /** Like `read`, with the batches as they were fetched. */
  async readBatches(
    at: TopicPartition,
    from: number,
    end: number,
    consume: TakeBatches,
  ): Promise<void> {
    if (from >= end) return;
    await this.assigned;
    let given = from;
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const reading: Reading = {
          at,
          end,
          consume,
          next: from,
          busy: false,
          done: (error) => (error ? reject(error) : resolve()),
        };
        this.reading = reading;
        timer = setInterval(() => {
          if (reading.next === given && !reading.busy) {
            reject(
              new UserError(
                `Kafka returns no records of ${nameOf(at)} beyond offset ${String(given)}: check that the broker runs, and repeat this command`,
              ),
            );
          }
          given = reading.next;
        }, PATIENCE_MILLIS);
        this.group.reposition(at).catch(reject);
      });
    } finally {
      clearInterval(timer);
      this.reading = null;
    }
  }

  /** The record at an offset; null if the offset holds none. */
  async recordAt(at: TopicPartition, offset: number): Promise<LogRecord | null> {
    let found: LogRecord | null = null;
    await this.read(at, offset, offset + 1, ([record]) => {
      found ??= record ?? null;
      return Promise.resolve();
    });
    return found;
  }

  private isRead({ topic, partition }: TopicPartition): Reading | null {
    const { reading } = this;
    return reading?.at.topic === topic && reading.at.partition === partition ? reading : null;
  }

  private async position(at: TopicPartition): Promise<number | null> {
    const reading = this.isRead(at);
    if (!reading) return null;
    const low = (await this.admin.offsets(at.topic))[at.partition]?.low ?? 0;
    if (low <= reading.next) return reading.next;
    reading.done(
      new UserError(
        `The log of ${nameOf(at)} now begins at offset ${String(low)}, and ${String(reading.next)} was to be read: ` +
          'records expired meanwhile; repeat this command',
      ),
    );
    return null;
  }

  private unreadable(at: TopicPartition, batch: UnreadableAt): Promise<void> {
    return this.serial.run(() => {
      const reading = this.isRead(at);
      // A batch from before the last seek may arrive late.
      if (reading && batch.from <= reading.next && reading.next < reading.end) {
        reading.done(new UnreadableLog(at, batch));
      }
      return Promise.resolve();
    });
  }

  private consume(
    at: TopicPartition,
    batches: readonly RecordBatch[],
    next: number,
  ): Promise<boolean> {
    // A partition that is sought twice may deliver a batch while the previous one is being taken.
    return this.serial.run(async () => {
      const reading = this.isRead(at);
      if (!reading || reading.next >= reading.end) return false;
      const wanted = batchesWithin(batches, reading.next, reading.end);
      reading.busy = true;
      let isEnough: boolean;
      try {
        isEnough = await giveAll(reading, wanted, Math.min(next, reading.end));
      } catch (error) {
        reading.done(error as Error);
        return false;
      } finally {
        reading.busy = false;
      }
      if (!isEnough && reading.next < reading.end) return true;
      reading.done();
      return false;
    });
  }
}

/**
 * Passes batches on, some records at a time, up to an offset. Returns true if the consumer wants no more.
 */
const giveAll = async (
  reading: Reading,
  batches: readonly RecordBatch[],
  next: number,
): Promise<boolean> => {
  const give = async (part: readonly RecordBatch[], behind: number): Promise<boolean> => {
    reading.next = Math.max(reading.next, behind);
    return (await reading.consume(part, reading.next)) === 'enough';
  };
  const parts = inParts(batches, MOST_RECORDS);
  for (const part of parts.slice(0, -1)) {
    if (await give(part, offsetBehind(part))) return true;
  }
  return give(parts.at(-1) ?? [], next);
};

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}[${String(partition)}]`;
