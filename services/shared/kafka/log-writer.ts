import type { Kafka, Producer } from 'kafkajs';
import type { TopicPartition } from '../model/log-record.ts';
import { millis, type Millis } from '../model/time.ts';
import type { NewRecord } from './new-record.ts';
import { connectedProducer } from './produce/connected-producer.ts';
import { batchMessage } from './produce/install.ts';

/** What the broker acknowledged: consecutive records appended by one request. */
export interface Appended {
  readonly firstOffset: number;
  readonly count: number;
  /** The broker's append time; null for topics with `CreateTime`. */
  readonly appendTime: Millis | null;
}

/** Appends records to partitions of the caller's choice. */
export interface LogWriter {
  /**
   * Appends records in order and resolves when every in-sync replica has them. Calls for one partition must
   * not overlap if their order matters. If an acknowledgement is lost, a record may be in the log twice.
   * @throws after bounded retries; some of the records may have been appended by then.
   */
  append(at: TopicPartition, records: readonly NewRecord[]): Promise<readonly Appended[]>;
  close(): Promise<void>;
}

/** kafkajs fails at about 1 MiB for one partition; half of that also keeps retries cheap. */
const CHUNK_BYTES = 512 * 1024;

/** An upper bound on what a record takes besides its key, value and headers. */
const RECORD_OVERHEAD_BYTES = 70;

const sizeOf = ({ key, value, headers = {} }: NewRecord): number => {
  let size = RECORD_OVERHEAD_BYTES + (value?.length ?? 0);
  if (key !== null) size += Buffer.byteLength(key);
  for (const [name, text] of Object.entries(headers)) {
    size += Buffer.byteLength(name) + Buffer.byteLength(text) + 4;
  }
  return size;
};

/** Splits records, in order, into chunks of at most `maxBytes`. A larger record is a chunk of its own. */
export const chunksOf = (
  records: readonly NewRecord[],
  maxBytes: number = CHUNK_BYTES,
): readonly (readonly NewRecord[])[] => {
  const chunks: NewRecord[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    const size = sizeOf(record);
    if (bytes + size > maxBytes) {
      chunks.push([]);
      bytes = 0;
    }
    chunks.at(-1)?.push(record);
    bytes += size;
  }
  return chunks;
};

const openProducer = (kafka: Kafka): Promise<Producer> =>
  connectedProducer(kafka, { retry: { initialRetryTime: 100, maxRetryTime: 3_000, retries: 8 } });

/** What the broker acknowledged; null if kafkajs does not know the partition and has sent nothing. */
const sendTo = async (
  producer: Producer,
  { topic, partition }: TopicPartition,
  chunk: readonly NewRecord[],
): Promise<Appended | null> => {
  const messages = [batchMessage(partition, chunk)];
  const [answer] = await producer.send({ topic, acks: -1, messages });
  if (answer?.baseOffset === undefined) return null;
  const appendTime = Number(answer.logAppendTime ?? -1);
  return {
    firstOffset: Number(answer.baseOffset),
    count: chunk.length,
    appendTime: appendTime < 0 ? null : millis(appendTime),
  };
};

export const openLogWriter = async (kafka: Kafka): Promise<LogWriter> => {
  const producers = [await openProducer(kafka)];

  const appendChunk = async (
    at: TopicPartition,
    chunk: readonly NewRecord[],
  ): Promise<Appended> => {
    const [current] = producers;
    const appended = current && (await sendTo(current, at, chunk));
    if (appended) return appended;
    // A re-created topic may have partitions that an older producer does not know.
    const fresh = await openProducer(kafka);
    producers.unshift(fresh);
    const second = await sendTo(fresh, at, chunk);
    if (second) return second;
    throw new Error(`${at.topic} has no partition ${String(at.partition)}`);
  };

  return {
    append: async (at, records) => {
      const appended: Appended[] = [];
      for (const chunk of chunksOf(records)) appended.push(await appendChunk(at, chunk));
      return appended;
    },
    close: async () => {
      await Promise.all(producers.map((producer) => producer.disconnect()));
    },
  };
};
