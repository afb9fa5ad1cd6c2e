import type { Kafka } from 'kafkajs';
import type { Logger } from 'pino';
import { kafkaErrorType } from './error-type.ts';
import { connectedProducer } from './produce/connected-producer.ts';
import { batchMessage } from './produce/install.ts';
import { SequencedWriter, type IdentifiedProducer, type SendFailure } from './sequenced-writer.ts';

/** The broker has lost count of a producer, or never knew it. */
const LOST_COUNT: ReadonlySet<string> = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'DUPLICATE_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
]);

/** What the broker will not take, however often it is sent. */
const REFUSED: ReadonlySet<string> = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_TIMESTAMP',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  'SASL_AUTHENTICATION_FAILED',
]);

const judgeSendFailure = (error: unknown): SendFailure => {
  const type = kafkaErrorType(error);
  if (type === null) return 'try-again';
  if (LOST_COUNT.has(type)) return 'new-producer';
  return REFUSED.has(type) ? 'refused' : 'try-again';
};

/**
 * kafkajs asks the broker for the producer's id. It sends what it is told and numbers nothing (see
 * `batchMessage`), and tries a few times by itself, because it requires that of an idempotent producer.
 */
const openProducer = async (kafka: Kafka): Promise<IdentifiedProducer> => {
  const producer = await connectedProducer(kafka, {
    idempotent: true,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 2 },
  });
  return {
    send: async ({ topic, partition }, records, firstSequence) => {
      const messages = [batchMessage(partition, records, firstSequence)];
      const [answer] = await producer.send({ topic, acks: -1, messages });
      if (answer) return;
      // kafkajs does not know the partition and has sent nothing.
      throw new Error(`${topic} has no partition ${String(partition)}`);
    },
    close: () => producer.disconnect(),
  };
};

/** A writer by which each batch is in the log once, whatever happens to acknowledgements. */
export const openIdempotentWriter = (kafka: Kafka, logger: Logger): SequencedWriter =>
  new SequencedWriter({ open: () => openProducer(kafka), judge: judgeSendFailure, logger });
