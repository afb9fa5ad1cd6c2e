import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import { UserError } from '../errors.ts';
import type { LogRecord, TopicPartition } from '../log-record.ts';
import { millis } from '../time.ts';

/** What reads the partitions that the group has assigned to this process. */
export interface PartitionReaders {
  /** These partitions, and no others, are assigned now. Resolves when `position` may be asked. */
  assigned(partitions: readonly TopicPartition[]): Promise<void>;
  /** Where to read on, or null where the partition is not to be read. Asked again after a mismatch. */
  position(at: TopicPartition): Promise<number | null>;
  /** Takes records in order. False where no more are wanted: the partition is paused. */
  take(at: TopicPartition, records: readonly LogRecord[]): Promise<boolean>;
  /** No fetch has completed for a while: the process was stopped, or the broker out of reach. */
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

interface Held {
  /** The offset that the next batch must have been fetched from; null while paused. */
  expected: number | null;
}

const STALL_MILLIS = 5_000;
const nameOf = (at: TopicPartition): string => `${at.topic}[${String(at.partition)}]`;

/**
 * Reads partitions through a consumer group, from positions of our own instead of the group's.
 *
 * kafkajs begins to fetch from the group's offsets as soon as it has joined, and batches fetched
 * before a seek still arrive after it. So all assigned partitions are paused inside the join
 * listener, before any await; they are resumed once each has been sought to its own position; and a
 * batch counts only if it was fetched from exactly the offset that is expected.
 */
export class GroupReader {
  private readonly consumer: Consumer;
  private readonly readers: PartitionReaders;
  private readonly options: GroupReaderOptions;
  /** Counts the joins, so that what an earlier one began does not act on a later one. */
  private generation = 0;
  private held = new Map<string, Held>();
  private lastFetch = Date.now();

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
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) this.options.onCrash(explained(payload.error));
    });
    consumer.on(consumer.events.FETCH, () => {
      const now = Date.now();
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

  /** Leaves the group, after the batch in hand. */
  async stop(): Promise<void> {
    this.generation++;
    this.held.clear();
    await this.consumer.disconnect();
  }

  /** Seeks a partition to its reader's position. */
  async reposition(at: TopicPartition): Promise<void> {
    const { generation } = this;
    const held = this.held.get(nameOf(at));
    if (!held) return;
    held.expected = null;
    this.consumer.pause(topicPartitions([at]));
    const position = await this.readers.position(at);
    if (generation !== this.generation) return;
    this.seek(at, held, position);
  }

  /** Tells the group how far a partition is stored: for lag monitors only, nothing reads it here. */
  async report(at: TopicPartition, nextOffset: number): Promise<void> {
    await this.consumer.commitOffsets([{ ...at, offset: String(nextOffset) }]);
  }

  private joined(partitions: readonly TopicPartition[]): void {
    const generation = ++this.generation;
    this.held = new Map(partitions.map((at) => [nameOf(at), { expected: null }]));
    this.consumer.pause(topicPartitions(partitions));
    void this.readers.assigned(partitions).then(async () => {
      for (const at of partitions) {
        const position = await this.readers.position(at);
        if (generation !== this.generation) return;
        const held = this.held.get(nameOf(at));
        if (held) this.seek(at, held, position);
      }
    }, this.options.onCrash);
  }

  private seek(at: TopicPartition, held: Held, position: number | null): void {
    held.expected = position;
    if (position === null) {
      this.consumer.pause(topicPartitions([at]));
      return;
    }
    this.consumer.seek({ ...at, offset: String(position) });
    this.consumer.resume(topicPartitions([at]));
  }

  private async eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const at = { topic: batch.topic, partition: batch.partition };
    const held = this.held.get(nameOf(at));
    if (held?.expected == null) return;
    const { expected } = held;
    // kafkajs keeps the offset that it asked for in the batch, but not in its types.
    const fetchedFrom = Number((batch as unknown as { fetchedOffset: string }).fetchedOffset);
    const records = batch.messages.map(toLogRecord);
    const last = records.at(-1);
    const beats = setInterval(() => {
      payload.heartbeat().catch(() => undefined); // the next fetch meets the same error and handles it
    }, this.options.sessionTimeout / 5);
    try {
      if (fetchedFrom !== expected) {
        await this.reposition(at);
        return;
      }
      if (!last) return;
      const goOn = await this.readers.take(at, records);
      if (held.expected !== expected) return; // sought elsewhere meanwhile
      if (goOn) {
        held.expected = Number(batch.lastOffset()) + 1;
        payload.resolveOffset(String(last.offset));
      } else {
        this.seek(at, held, null);
      }
    } catch (error) {
      this.options.onCrash(error as Error);
    } finally {
      clearInterval(beats);
    }
  }
}

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

const toLogRecord = (message: KafkaMessage): LogRecord => ({
  offset: Number(message.offset),
  timestamp: millis(Number(message.timestamp)),
  key: message.key,
  value: message.value,
  headers: Object.fromEntries(
    Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value ?? '')]),
  ),
});
