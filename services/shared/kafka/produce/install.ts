import type { Message } from 'kafkajs';
import produce, { type ProduceOptions } from 'kafkajs/src/protocol/requests/produce/index.js';
import { checkVersion } from '../oldest-version.ts';
import type { NewRecord } from '../new-record.ts';
import { producedBatch, type BatchSequence } from './produced-batch.ts';

/** Requests of versions 3 to 7 have one form. */
const OLDEST = 3;

/** What kafkajs takes for one message, and what is sent as a whole batch. */
interface BatchMessage extends Message {
  readonly records: readonly NewRecord[];
  readonly firstSequence: number | null;
}

/**
 * A message for `producer.send` that stands for several records of one partition, in their order. With a
 * sequence, which only an idempotent producer may send, the broker appends the batch once however often it
 * arrives. The caller counts: kafkajs takes the batch for one record, and gives its number to another
 * batch if this one fails.
 */
export const batchMessage = (
  partition: number,
  records: readonly NewRecord[],
  firstSequence: number | null = null,
): Message => {
  const message: BatchMessage = { partition, value: null, records, firstSequence };
  return message;
};

const isBatch = (message: Message): message is BatchMessage => 'records' in message;

/** A request in the form that kafkajs wants: its encoder, filled. */
interface Encoded {
  readonly buf: Buffer;
  readonly buffer: Buffer;
}

const int16 = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeInt16BE(value);
  return bytes;
};

const int32 = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
};

/** The batch that is sent to a partition; null if it is sent plain messages. */
const batchOf = (messages: readonly Message[]): BatchMessage | null => {
  const batch = messages.find(isBatch);
  if (!batch) return null;
  // kafkajs would send it as one record without a value.
  if (messages.length > 1) throw new Error('a batch is sent alone');
  return batch;
};

const sequenceOf = (
  { firstSequence }: BatchMessage,
  { producerId, producerEpoch }: ProduceOptions,
): BatchSequence | undefined => {
  if (firstSequence === null) return undefined;
  const id = BigInt(producerId?.toString() ?? -1);
  if (id < 0n || producerEpoch === undefined) {
    throw new Error('a batch with a sequence needs an idempotent producer');
  }
  return { producerId: id, producerEpoch, firstSequence };
};

/**
 * The request for batches; null where something else is to be sent, which kafkajs encodes.
 * See https://kafka.apache.org/protocol#The_Messages_Produce.
 */
export const encodeProduce = (options: ProduceOptions, now: number): Encoded | null => {
  const { acks, timeout, topicData } = options;
  const parts: Buffer[] = [int16(-1), int16(acks), int32(timeout), int32(topicData.length)];
  for (const { topic, partitions } of topicData) {
    const name = Buffer.from(topic);
    parts.push(int16(name.length), name, int32(partitions.length));
    for (const { partition, messages } of partitions) {
      const message = batchOf(messages);
      if (!message) return null;
      const batch = producedBatch(message.records, now, sequenceOf(message, options));
      parts.push(int32(partition), int32(batch.length), batch);
    }
  }
  const buffer = Buffer.concat(parts);
  return { buf: buffer, buffer };
};

let isInstalled = false;

/**
 * Lets kafkajs send batches that are encoded here (ADR 6), for the entire process. kafkajs copies all
 * messages of a partition for each one of them, and makes some ten buffers for each record.
 */
export const sendBatches = (): void => {
  if (isInstalled) return;
  isInstalled = true;
  const { protocol } = produce;
  produce.protocol = ({ version }) => {
    checkVersion(version, OLDEST);
    const request = protocol({ version });
    return (options) => {
      const made = request(options);
      const encode = async (): Promise<unknown> =>
        encodeProduce(options, Date.now()) ?? made.request.encode();
      return { ...made, request: { ...made.request, encode } };
    };
  };
};
