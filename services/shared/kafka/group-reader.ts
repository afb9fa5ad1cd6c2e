import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../process/errors.ts';
import type { TopicPartition } from '../model/log-record.ts';
import type { RecordBatch } from '../model/record-batch.ts';
import { pauseOf } from './fetch/patience.ts';
import { fetchedFrom, readBatch, type ReadBatch, type UnreadableAt } from './fetched-batch.ts';

/** The readers of the partitions that the group has assigned to this process. */
export interface PartitionReaders {
  /** These partitions, and no others, are assigned now. Resolves when `position` may be called. */
  assigned(partitions: readonly TopicPartition[]): Promise<void>;
  /**
   * Where to continue reading; null if the partition should not be read. Called again after a mismatch.
   */
  position(at: TopicPartition): Promise<number | null>;
  /**
   * Takes records in order, from the requested offset on. Offsets below `next` that are not among them, and
   * were not taken before, hold no record: they are transaction markers or aborted records. There may be no
   * records at all. `isBehind` says that the log went on when they were read. Returns false if no more are
   * wanted: then the partition is paused.
   */
  consume(
    at: TopicPartition,
    batches: readonly RecordBatch[],
    next: number,
    isBehind: boolean,
  ): Promise<boolean>;
  /**
   * What follows the taken records cannot be read; its `from` is known here. The partition is paused.
   * Reading is retried when the position is asked for again.
   */
  unreadable(at: TopicPartition, batch: UnreadableAt): Promise<void>;
  /**
   * No fetch has completed for a while, or one has failed: the process was stopped, or the broker could not
   * be reached.
   */
  stalled(): void;
}

export interface GroupReaderOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Milliseconds without a heartbeat after which the group gives the partitions to other members. */
  readonly sessionTimeout: number;
  /** Called when kafkajs gives up; the process should end and be restarted. */
  readonly onCrash: (error: Error) => void;
}

/** A partition that is assigned now. Each assignment makes a new object. */
interface Held {
  readonly at: TopicPartition;
  /** The offset from which the next batch must have been fetched; null while nothing is wanted. */
  expected: number | null;
  /** The batch before it, which the reader may still be taking: true if more is wanted behind it. */
  taking: Promise<boolean>;
  /** How often in a row the broker has returned nothing, although the log continues. */
  withheld: number;
  /** Counts the seeks, so that work begun before a seek has no effect after it. */
  turn: number;
}

/**
 * Milliseconds for which the broker may hold back an answer without records. So long may a stop take, and
 * a partition that is read again wait; each answer wakes both processes.
 */
const LONGEST_FETCH_MILLIS = 800;

/**
 * Longer than a fetch and its batches take: `LONGEST_FETCH_MILLIS` and `INLINE_MILLIS`. After such a pause the topic may
 * have been re-created.
 */
const STALL_MILLIS = 2_000;
/** How long one partition may delay the batches of others. Longer work continues in parallel. */
const INLINE_MILLIS = 1_000;

const NOTHING = Promise.resolve(true);

/** After this many empty answers, although the log continues, the broker is taken to have nothing. */
const WITHHELD_ANSWERS = 3;

const nameOf = (at: TopicPartition): string => `${at.topic}[${String(at.partition)}]`;

/**
 * Reads partitions through a consumer group, from our own positions instead of the group's.
 *
 * kafkajs begins to fetch from the group's offsets as soon as it has joined, and batches fetched before a
 * seek still arrive after it. So all assigned partitions are paused inside the join listener, before any
 * await. Each is resumed once it has been sought to its own position. A batch counts only if it was fetched
 * from exactly the expected offset.
 *
 * kafkajs fetches nothing more until every batch of a fetch has been handled. So a batch is handled at once, and taken
 * while the next ones are fetched: a reader has one batch in hand and one that waits. A partition with a slow reader is
 * paused, and is sought to its next offset when the reader is done.
 */
export class GroupReader {
  private readonly consumer: Consumer;
  private readonly readers: PartitionReaders;
  private readonly options: GroupReaderOptions;
  private held = new Map<string, Held>();
  private lastFetch = Date.now();
  /** Brokers with a fetch that has begun and not completed. */
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
      maxWaitTimeInMs: pauseOf(longestFetchOf(options)),
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
    // The consumer leaves its group, perhaps to join it again after a failure. Until it has joined, nothing
    // is assigned, and kafkajs refuses to pause or seek.
    consumer.on(consumer.events.STOP, () => this.held.clear());
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) this.options.onCrash(explained(payload.error, this.options.groupId));
    });
    consumer.on(consumer.events.FETCH_START, ({ payload }) => {
      // The previous fetch began and did not complete: it failed.
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

  /** Finishes the batches in hand, then leaves the group. */
  async stop(): Promise<void> {
    this.stopped = true;
    const taking = [...this.held.values()].map((held) => held.taking);
    this.held.clear();
    await Promise.race([Promise.all(taking), after(this.inlineMillis)]);
    await this.consumer.disconnect();
  }

  /** Seeks a partition to its reader's position. */
  async reposition(at: TopicPartition): Promise<void> {
    const held = this.held.get(nameOf(at));
    if (held) await this.toPosition(held);
  }

  /** Milliseconds since a fetch completed; empty fetches count too. */
  notFetchedFor(): number {
    return Date.now() - this.lastFetch;
  }

  /** Tells the group how far a partition is stored. Only lag monitors read it; we never do. */
  async report(at: TopicPartition, nextOffset: number): Promise<void> {
    if (this.stopped) return;
    await this.consumer.commitOffsets([{ ...at, offset: String(nextOffset) }]);
  }

  private joined(partitions: readonly TopicPartition[]): void {
    if (this.stopped) return;
    this.held = new Map(
      partitions.map((at) => [
        nameOf(at),
        { at, expected: null, taking: NOTHING, withheld: 0, turn: 0 },
      ]),
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

  /** Stops taking batches of a partition until it is sought. Returns the turn that begins here. */
  private rest(held: Held): number {
    held.expected = null;
    this.consumer.pause(topicPartitions([held.at]));
    return ++held.turn;
  }

  private seek(held: Held, position: number): void {
    held.expected = position;
    held.taking = NOTHING; // what was begun before has no effect any more, or has ended
    this.consumer.seek({ ...held.at, offset: String(position) });
    this.consumer.resume(topicPartitions([held.at]));
  }

  /** Whether the partition still belongs to this process and has not been sought since. */
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
    if (!(await this.isFree(held))) return;
    const read = readBatch(batch, held.expected);
    if (!read.isAhead && !this.isCertain(held, read)) return;
    held.withheld = 0;
    const { next } = read;
    const isBehind = next < Number(batch.highWatermark);
    held.expected = next;
    payload.resolveOffset(String(next - 1));
    held.taking = this.take(held, held.turn, read, isBehind);
  }

  /**
   * Whether the reader has taken the batch before, and the next one is still wanted. If that takes too long, the partition is
   * paused, and fetched again when the reader is done.
   */
  private async isFree(held: Held): Promise<boolean> {
    const { expected, turn } = held;
    held.expected = null; // of a batch that comes again meanwhile, nothing is wanted
    const goOn = await Promise.race([held.taking, after(this.inlineMillis)]);
    if (expected === null || !this.isCurrent(held, turn)) return false;
    if (goOn === true) held.expected = expected;
    if (goOn !== null) return goOn;
    this.consumer.pause(topicPartitions([held.at]));
    void held.taking.then((isWanted) => {
      if (isWanted && this.isCurrent(held, turn)) this.seek(held, expected);
    });
    return false;
  }

  /**
   * An empty answer means nothing until it has come several times in a row although the log continues.
   */
  private isCertain(held: Held, { unreadable }: ReadBatch): boolean {
    if (unreadable?.kind !== 'withheld') return unreadable !== null;
    return ++held.withheld >= WITHHELD_ANSWERS;
  }

  /** Never longer than part of the session time-out, because no heartbeat is sent meanwhile. */
  private get inlineMillis(): number {
    return Math.min(INLINE_MILLIS, this.options.sessionTimeout / 5);
  }

  /**
   * Takes a batch once kafkajs fetches the next ones. True if the next records are wanted and the partition has not
   * been revoked or sought meanwhile.
   */
  private async take(
    held: Held,
    turn: number,
    read: ReadBatch,
    isBehind: boolean,
  ): Promise<boolean> {
    try {
      await setImmediate();
      if (!this.isCurrent(held, turn)) return false;
      const { batches, next, unreadable } = read;
      const goOn = !read.isAhead || (await this.readers.consume(held.at, batches, next, isBehind));
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

/**
 * A fifth of the session at most. kafkajs sends no heartbeat during a fetch: two members whose fetches take as
 * long as their sessions drive each other out of the group for ever.
 */
const longestFetchOf = ({ sessionTimeout }: GroupReaderOptions): number =>
  Math.min(LONGEST_FETCH_MILLIS, Math.floor(sessionTimeout / 5));

/** Resolves to null after this many milliseconds. */
const after = (millis: number): Promise<null> =>
  new Promise((resolve) => {
    setTimeout(() => resolve(null), millis).unref();
  });

/** Turns an error that a person can fix into one that says how. */
const explained = (error: Error & { readonly type?: string }, groupId: string): Error => {
  if (error.type === 'INVALID_SESSION_TIMEOUT') {
    return new UserError(
      'Kafka does not allow this session time-out: set AGGREGATOR_SESSION_MILLIS or BRIDGE_SESSION_MILLIS ' +
        "within the broker's group.min.session.timeout.ms and group.max.session.timeout.ms",
      { cause: error },
    );
  }
  // All that kafkajs says where no broker lets the user ask.
  if (error.name === 'KafkaJSGroupCoordinatorNotFound') {
    return new UserError(
      `Kafka tells no coordinator of the group "${groupId}": grant the user of KAFKA_USERNAME the rights on groups ` +
        'that docs/own-servers.md names, or see whether the brokers answer',
      { cause: error },
    );
  }
  return error;
};

const topicPartitions = (
  partitions: readonly TopicPartition[],
): { topic: string; partitions: number[] }[] =>
  partitions.map(({ topic, partition }) => ({ topic, partitions: [partition] }));
