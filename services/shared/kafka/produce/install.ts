import type { Message } from 'kafkajs';
import produce, { type ProduceOptions } from 'kafkajs/src/protocol/requests/produce/index.js';
import { checkVersion } from '../oldest-version.ts';
import type { NewRecord } from '../new-record.ts';
import { producedBatch } from './produced-batch.ts';

/** Requests of versions 3 to 7 have one form. */
const OLDEST = 3;

/** What kafkajs takes for one message, and what is sent as a whole batch. */
interface BatchMessage extends Message {
  readonly records: readonly NewRecord[];
}

/** A message for `producer.send` that stands for several records of one partition, in their order. */
export const batchMessage = (partition: number, records: readonly NewRecord[]): Message => {
  const message: BatchMessage = { partition, value: null, records };
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

/** The records of the batch that is sent to a partition; null if it is sent plain messages. */
const recordsOf = (messages: readonly Message[]): readonly NewRecord[] | null => {
  const batch = messages.find(isBatch);
  if (!batch) return null;
  // kafkajs would send it as one record without a value.
  if (messages.length > 1) throw new Error('a batch is sent alone');
  return batch.records;
};

/**
 * The request for batches; null where something else is to be sent, which kafkajs encodes.
 * See https://kafka.apache.org/protocol#The_Messages_Produce.
 */
export const encodeProduce = (
  { acks, timeout, topicData }: ProduceOptions,
  now: number,
): Encoded | null => {
  const parts: Buffer[] = [int16(-1), int16(acks), int32(timeout), int32(topicData.length)];
  for (const { topic, partitions } of topicData) {
    const name = Buffer.from(topic);
    parts.push(int16(name.length), name, int32(partitions.length));
    for (const { partition, messages } of partitions) {
      const records = recordsOf(messages);
      if (!records) return null;
      const batch = producedBatch(records, now);
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
