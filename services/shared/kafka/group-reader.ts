import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { UserError } from '../process/errors.ts';
import type { TopicPartition } from '../model/log-record.ts';
import type { RecordBatch } from '../model/record-batch.ts';
import { fetchedFrom, readBatch, type ReadBatch, type UnreadableAt } from './fetched-batch.ts';

/** What reads the partitions that the group has assigned to this process. */
export interface PartitionReaders {
  /** These partitions, and no others, are assigned now. Resolves when `position` may be asked. */
  assigned(partitions: readonly TopicPartition[]): Promise<void>;
  /** Where to read on, or null where the partition is not to be read. Asked again after a mismatch. */
  position(at: TopicPartition): Promise<number | null>;
  /**
   * Takes records in order, from the offset asked for on. Every offset below `next` that is not among
   * them, and was not taken before, holds no record: it is a transaction's marker, or was aborted with
   * it. There may be none but such. False where no more are wanted: the partition is paused.
   */
  consume(at: TopicPartition, batches: readonly RecordBatch[], next: number): Promise<boolean>;
  /**
   * What stands behind the records that were taken cannot be read; its `from` is known here. The
   * partition is paused: asked for its position again, it is tried again.
   */
  unreadable(at: TopicPartition, batch: UnreadableAt): Promise<void>;
  /**
   * No fetch has completed for a while, or one has failed: the process was stopped, or the broker out
   * of reach.
   */
  stalled(): void;
}

export interface GroupReaderOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Milliseconds without a heartbeat after which the group gives the partitions to others. */
  readonly sessionTimeout: number;
  /** Called when kafkajs gives up; the process should end and be started again. */
  readonly onCrash: (error: Error) => void;
}

/** A partition that is assigned now. A later assignment makes another object of it. */
interface Held {
  readonly at: TopicPartition;
  /** The offset that the next batch must have been fetched from; null while nothing is wanted. */
  expected: number | null;
  /** How often in a row the broker has given nothing, though the log continues. */
  withheld: number;
  /** Counts the seeks, so that what was begun before one does not act after it. */
  turn: number;
}

/** Longer than a fetch and its batches take: within this time a topic may have been re-created. */
const STALL_MILLIS = 2_000;
/** How long one batch may delay those of other partitions; longer work continues in parallel. */
const INLINE_MILLIS = 1_000;

/** After so many answers that hold nothing of a log that continues, there is nothing to be had. */
const WITHHELD_ANSWERS = 3;

const nameOf = (at: TopicPartition): string => `${at.topic}[${String(at.partition)}]`;

/**
 * Reads partitions through a consumer group, from positions of our own instead of the group's.
 *
 * kafkajs begins to fetch from the group's offsets as soon as it has joined, and batches fetched
 * before a seek still arrive after it. So all assigned partitions are paused inside the join
 * listener, before any await; they are resumed once each has been sought to its own position; and a
 * batch counts only if it was fetched from exactly the offset that is expected.
 *
 * kafkajs fetches nothing more until every batch of a fetch has been handled. So a partition whose
 * reader takes long is paused, and is sought to its next offset when the reader is done.
 */
export class GroupReader {
  private readonly consumer: Consumer;
  private readonly readers: PartitionReaders;
  private readonly options: GroupReaderOptions;
  private held = new Map<string, Held>();
  private lastFetch = Date.now();
  /** Brokers from which a fetch has been begun and not completed. */
  private readonly fetching = new Set<number>();
  private stopped = false;

  constructor(kafka: Kafka, readers: PartitionReaders, options: GroupReaderOptions) {
    this.readers = readers;
    this.options = options;
    this.consumer = kafka.consumer({
      groupId: options.groupId,
      sessionTimeout: options.sessionTimeout,
      heartbeatInterval: Math.max(100, Math.floor(options.sessionTimeout / 10)),
      rebalanceTimeout: Math.max(options.sessionTimeout, 30_000),
      maxBytesPerPartition: 4 * 1024 * 1024,
      maxWaitTimeInMs: 200,
      allowAutoTopicCreation: false,
      retry: { retries: Number.MAX_SAFE_INTEGER, maxRetryTime: 5_000 },
    });
  }

  async start(): Promise<void> {
    const { consumer } = this;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      const partitions = Object.entries(payload.memberAssignment).flatMap(([topic, numbers]) =>
        numbers.map((partition) => ({ topic, partition })),
      );
      this.joined(partitions);
    });
    // It leaves its group, also to join it anew after a failure: until then nothing is assigned, and
    // kafkajs refuses to pause or seek.
    consumer.on(consumer.events.STOP, () => this.held.clear());
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) this.options.onCrash(explained(payload.error));
    });
    consumer.on(consumer.events.FETCH_START, ({ payload }) => {
      // The one before was begun and has not been completed: it failed.
      if (this.fetching.has(payload.nodeId)) this.readers.stalled();
      this.fetching.add(payload.nodeId);
    });
    consumer.on(consumer.events.FETCH, ({ payload }) => {
      const now = Date.now();
      this.fetching.delete(payload.nodeId);
      if (now - this.lastFetch > STALL_MILLIS) this.readers.stalled();
      this.lastFetch = now;
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [...this.options.topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 8,
      eachBatch: (payload) => this.eachBatch(payload),
    });
  }

  /** Leaves the group, after the batches in hand. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.held.clear();
    await this.consumer.disconnect();
  }

  /** Seeks a partition to its reader's position. */
  async reposition(at: TopicPartition): Promise<void> {
    const held = this.held.get(nameOf(at));
    if (held) await this.toPosition(held);
  }

  /** Milliseconds since a fetch was completed; empty ones count too. */
  notFetchedFor(): number {
    return Date.now() - this.lastFetch;
  }

  /** Tells the group how far a partition is stored: for lag monitors only, nothing reads it here. */
  async report(at: TopicPartition, nextOffset: number): Promise<void> {
    if (this.stopped) return;
    await this.consumer.commitOffsets([{ ...at, offset: String(nextOffset) }]);
  }

  private joined(partitions: readonly TopicPartition[]): void {
    if (this.stopped) return;
    this.held = new Map(
      partitions.map((at) => [nameOf(at), { at, expected: null, withheld: 0, turn: 0 }]),
    );
    this.consumer.pause(topicPartitions(partitions));
    const assigned = [...this.held.values()];
    const begin = async (): Promise<void> => {
      await this.readers.assigned(partitions);
      await Promise.all(assigned.map((held) => this.toPosition(held)));
    };
    begin().catch((error: unknown) => this.crash(error));
  }

  private async toPosition(held: Held): Promise<void> {
    if (!this.isCurrent(held)) return;
    const turn = this.rest(held);
    const position = await this.readers.position(held.at);
    if (this.isCurrent(held, turn) && position !== null) this.seek(held, position);
  }

  /** Wants nothing of a partition until it is sought; returns the turn that begins with it. */
  private rest(held: Held): number {
    held.expected = null;
    this.consumer.pause(topicPartitions([held.at]));
    return ++held.turn;
  }

  private seek(held: Held, position: number): void {
    held.expected = position;
    this.consumer.seek({ ...held.at, offset: String(position) });
    this.consumer.resume(topicPartitions([held.at]));
  }

  /** Whether the partition is still this process's, and has not been sought since. */
  private isCurrent(held: Held, turn = held.turn): boolean {
    return !this.stopped && this.held.get(nameOf(held.at)) === held && held.turn === turn;
  }

  private crash(error: unknown): void {
    if (!this.stopped) this.options.onCrash(error as Error);
  }

  private async eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const held = this.held.get(nameOf(batch));
    if (held?.expected == null) return;
    if (fetchedFrom(batch) !== held.expected) {
      this.toPosition(held).catch((error: unknown) => this.crash(error));
      return;
    }
    const read = readBatch(batch, held.expected);
    if (!read.isAhead && !this.isCertain(held, read)) return;
    held.withheld = 0;
    const { next } = read;
    const { turn } = held;
    held.expected = null;
    const taking = this.consume(held, turn, read);
    const inTime = await Promise.race([taking, after(this.inlineMillis)]);
    if (inTime === true) {
      held.expected = next;
      payload.resolveOffset(String(next - 1));
    }
    if (inTime !== null || !this.isCurrent(held, turn)) return;
    this.consumer.pause(topicPartitions([held.at]));
    void taking.then((goOn) => {
      if (goOn && this.isCurrent(held, turn)) this.seek(held, next);
    });
  }

  /** An answer without anything is nothing, until it comes again and again where the log continues. */
  private isCertain(held: Held, { unreadable }: ReadBatch): boolean {
    if (unreadable?.kind !== 'withheld') return unreadable !== null;
    return ++held.withheld >= WITHHELD_ANSWERS;
  }

  /** Never longer than a part of the session: there is no heartbeat meanwhile. */
  private get inlineMillis(): number {
    return Math.min(INLINE_MILLIS, this.options.sessionTimeout / 5);
  }

  /** True where the next records are wanted, and nothing has happened to the partition meanwhile. */
  private async consume(held: Held, turn: number, read: ReadBatch): Promise<boolean> {
    try {
      const { batches, next, unreadable } = read;
      const goOn = !read.isAhead || (await this.readers.consume(held.at, batches, next));
      if (!this.isCurrent(held, turn)) return false;
      if (goOn && unreadable === null) return true;
      this.rest(held);
      if (goOn && unreadable) await this.readers.unreadable(held.at, unreadable);
      return false;
    } catch (error) {
      this.crash(error);
      return false;
    }
  }
}

/** Null after so many milliseconds. */
const after = (millis: number): Promise<null> =>
  new Promise((resolve) => {
    setTimeout(() => resolve(null), millis).unref();
  });

/** What a person can mend, said so. */
const explained = (error: Error & { readonly type?: string }): Error =>
  error.type === 'INVALID_SESSION_TIMEOUT'
    ? new UserError(
        'Kafka does not allow this session time-out: set AGGREGATOR_SESSION_MILLIS or BRIDGE_SESSION_MILLIS ' +
          "within the broker's group.min.session.timeout.ms and group.max.session.timeout.ms",
        { cause: error },
      )
    : error;

const topicPartitions = (
  partitions: readonly TopicPartition[],
): { topic: string; partitions: number[] }[] =>
  partitions.map(({ topic, partition }) => ({ topic, partitions: [partition] }));
