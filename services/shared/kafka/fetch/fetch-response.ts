import { messageOf } from '../../process/errors.ts';
import type { RecordBatch } from '../../model/record-batch.ts';
import type { AbortedTransaction } from './aborted-transactions.ts';
import { readRecordSet, type Budget, type RecordSet } from './record-set.ts';
import type { UnreadableBatch } from './unreadable-batch.ts';

/**
 * A batch, which kafkajs takes for one message. kafkajs uses the offset to drop what lies before the offset
 * that it asked for, and to know its position. It would also drop transaction markers, so markers become
 * batches without records here: the consumer must see them too.
 */
export interface BatchMessage {
  /** The offset of the last record. */
  readonly offset: string;
  readonly isControlRecord: false;
  readonly batch: RecordBatch;
}

/** Follows the batches of a partition that cannot be read further. */
export interface UnreadableMark {
  readonly offset: string;
  readonly isControlRecord: false;
  readonly unreadable: UnreadableBatch;
  /** If reading has already reached this offset, nothing is wrong. */
  readonly end: number;
}

export type FetchedMessage = BatchMessage | UnreadableMark;

/**
 * What kafkajs makes batches from. Aborted records are removed here, because kafkajs would inspect single
 * records to do so.
 */
export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly preferredReadReplica?: number;
  readonly messages: FetchedMessage[];
}

export interface FetchResponse {
  readonly throttleTime: number;
  readonly responses: readonly {
    readonly topicName: string;
    readonly partitions: readonly FetchedPartition[];
  }[];
}

/** The first version of the answer that has each optional field. */
const WITH_LOG_START = 5;
const WITH_SESSION = 7;
/** From this version on the client must delay its next request itself; kafkajs does not. */
const WITH_CLIENT_THROTTLE = 8;
const WITH_READ_REPLICA = 11;

/**
 * From this many bytes on, a broker may have left out partitions for lack of room: kafkajs asks for 10 MiB.
 */
const MUCH = 1024 * 1024;

/**
 * Errors of one partition that kafkajs handles itself, by asking for newer metadata or offsets. Any other
 * error would make it reject the entire answer, with all its partitions.
 */
const HANDLED_ERRORS: ReadonlySet<number> = new Set([
  0, // none
  1, // OFFSET_OUT_OF_RANGE
  3, // UNKNOWN_TOPIC_OR_PARTITION
  5, // LEADER_NOT_AVAILABLE
  6, // NOT_LEADER_OR_FOLLOWER
  9, // REPLICA_NOT_AVAILABLE
  74, // FENCED_LEADER_EPOCH
  75, // UNKNOWN_LEADER_EPOCH
]);

/** With these errors a broker says that it cannot read its own log there. */
const DAMAGED_ERRORS: ReadonlySet<number> = new Set([
  -1, // UNKNOWN_SERVER_ERROR
  2, // CORRUPT_MESSAGE
]);

const messageOfBatch = (batch: RecordBatch): BatchMessage => ({
  offset: String(batch.lastOffset),
  isControlRecord: false,
  batch,
});

const markOf = (unreadable: UnreadableBatch, end = Infinity): UnreadableMark => ({
  offset: '9223372036854775807', // after every offset that may be asked for
  isControlRecord: false,
  unreadable,
  end,
});

/** The offset that was asked for in a partition; below 0 if it is not known. */
export type AskedOffset = (topic: string, partition: number) => number;

/**
 * Decodes a broker's answer to a fetch (versions 4 to 11) into the form that kafkajs would produce.
 * Anything unreadable affects only its own partition: a mark takes its place.
 */
export const readFetchResponse = (
  bytes: Buffer,
  version: number,
  maxBatchBytes: number,
  nameOfError: (code: number) => string,
  askedOffset: AskedOffset = () => -1,
): FetchResponse => {
  const budget = { ofBatch: maxBatchBytes, left: maxBatchBytes };
  const reader = new FieldReader(bytes);
  let given = 0;
  const throttle = reader.int32();
  if (version >= WITH_SESSION) reader.skip(2 + 4);
  const partition = (topic: string): FetchedPartition => {
    const number = reader.int32();
    const errorCode = reader.int16();
    const highWatermark = reader.int64();
    const lastStableOffset = reader.int64();
    if (version >= WITH_LOG_START) reader.skip(8);
    const aborted = reader.list(() => ({
      producerId: reader.int64(),
      firstOffset: Number(reader.int64()),
    }));
    const preferredReadReplica = version >= WITH_READ_REPLICA ? reader.int32() : null;
    const set = reader.bytes();
    given += set.length;
    const isHandled = HANDLED_ERRORS.has(errorCode);
    // A broker notes the end of the log, and then reads: what is appended in between is in the answer, too.
    // Source: `Partition.readRecords` of Kafka.
    const end = Math.max(Number(highWatermark), askedOffset(topic, number) + 1);
    const { batches, unreadable } = isHandled
      ? batchesOf(set, end, aborted, budget)
      : { batches: [], unreadable: refused(errorCode, nameOfError(errorCode)) };
    const messages: FetchedMessage[] = batches.map(messageOfBatch);
    if (unreadable) messages.push(markOf(unreadable));
    return {
      partition: number,
      errorCode: isHandled ? errorCode : 0,
      highWatermark: String(highWatermark),
      lastStableOffset: String(lastStableOffset),
      ...(preferredReadReplica !== null && { preferredReadReplica }),
      messages,
    };
  };
  const responses = reader.list(() => {
    const topicName = reader.text();
    return { topicName, partitions: reader.list(() => partition(topicName)) };
  });
  if (given < MUCH) {
    for (const each of responses.flatMap(({ partitions }) => partitions)) markWithheld(each);
  }
  return { throttleTime: version >= WITH_CLIENT_THROTTLE ? 0 : throttle, responses };
};

/**
 * A broker with a damaged file may find no batch where the log continues. It then gives an empty answer
 * without an error, every time. So if an answer had room for more and gave nothing for a partition, the
 * broker has nothing of that partition up to the log's end.
 */
const markWithheld = (partition: FetchedPartition): void => {
  const { errorCode, messages, highWatermark, lastStableOffset } = partition;
  if (errorCode !== 0 || messages.length > 0) return;
  const stable = Number(lastStableOffset);
  const end = stable < 0 ? Number(highWatermark) : stable;
  const problem = `the broker returns nothing there, although the log continues to offset ${String(end)}`;
  messages.push(markOf({ kind: 'withheld', problem, from: null, next: null }, end));
};

/** A defect in our decoder must not stop the other partitions either. */
const batchesOf = (
  set: Buffer,
  end: number,
  aborted: readonly AbortedTransaction[],
  budget: Budget,
): RecordSet => {
  try {
    return readRecordSet(set, end, aborted, budget);
  } catch (error) {
    const problem = `reading it failed: ${messageOf(error)}`;
    return { batches: [], unreadable: { kind: 'damaged', problem, from: null, next: null } };
  }
};

const refused = (code: number, name: string): UnreadableBatch => ({
  kind: DAMAGED_ERRORS.has(code) ? 'damaged' : 'refused',
  problem: `the broker does not return it: ${name}`,
  from: null,
  next: null,
});

/** Reads the fields of an answer one after another. Throws a RangeError if the answer is cut short. */
class FieldReader {
  private readonly buffer: Buffer;
  private at = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  skip(length: number): void {
    this.at += length;
  }

  int16(): number {
    this.at += 2;
    return this.buffer.readInt16BE(this.at - 2);
  }

  int32(): number {
    this.at += 4;
    return this.buffer.readInt32BE(this.at - 4);
  }

  int64(): bigint {
    this.at += 8;
    return this.buffer.readBigInt64BE(this.at - 8);
  }

  bytes(length = this.int32()): Buffer {
    const from = this.at;
    this.at += Math.max(0, length); // -1 stands for null
    if (this.at > this.buffer.length) throw new RangeError('an answer of the broker is cut short');
    return this.buffer.subarray(from, this.at);
  }

  text(): string {
    return this.bytes(this.int16()).toString('utf8');
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, read);
  }
}
