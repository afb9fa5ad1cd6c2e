import type { Logger } from 'pino';
import { openKafkaAdmin } from '../shared/kafka/admin.ts';
import { baseClient, checkKafka, type KafkaClient } from '../shared/kafka/base-client.ts';
import { explainUnreachable } from '../shared/kafka/explain-unreachable.ts';
import type { SequencedWriter } from '../shared/kafka/sequenced-writer.ts';
import { kafkaSecurity } from '../shared/kafka/security.ts';
import { UserError } from '../shared/process/errors.ts';
import type { ProviderOptions } from './provider-options.ts';

/** Brokers, how to reach them, and a topic. */
export type Destination = Pick<ProviderOptions, 'kafka' | 'topic'>;

/** A client that connects when it is used. */
export const clientOf = ({ kafka }: Destination, logger: Logger): KafkaClient =>
  baseClient({
    brokers: kafka.KAFKA_BROKERS,
    clientId: 'usage-provider',
    security: kafkaSecurity(kafka),
    logger,
  });

/** @throws UserError if no broker answers */
export const reach = (client: KafkaClient, { kafka }: Destination): Promise<void> =>
  checkKafka(client, kafka.KAFKA_BROKERS, kafkaSecurity(kafka));

/**
 * Connects the writer before anything is emitted, so that the first usage does not wait for it.
 * @throws UserError if the broker gives it no producer's id
 */
export const connectWriter = async (
  writer: SequencedWriter,
  { kafka }: Destination,
): Promise<void> => {
  try {
    await writer.connect();
  } catch (cause) {
    const message = explainUnreachable(kafka.KAFKA_BROKERS, kafkaSecurity(kafka), cause);
    throw new UserError(message, { cause });
  }
};

/**
 * The number of partitions, which the broker knows.
 * @throws UnknownTopic if there is no such topic
 */
export const countPartitions = async (
  client: KafkaClient,
  { kafka, topic }: Destination,
): Promise<number> => {
  const admin = await openKafkaAdmin(client);
  try {
    const count = await admin.partitionCount(topic);
    if (count !== null) return count;
  } finally {
    await admin.close();
  }
  throw new UnknownTopic(
    `Kafka at ${kafka.KAFKA_BROKERS.join(', ')} has no topic ${topic}: correct its name, or create it by adding the ` +
      'provider to deploy/kafka/providers.json and running "usagectl provision"',
  );
};

/** A broker answered, and has no such topic. */
export class UnknownTopic extends UserError {}
