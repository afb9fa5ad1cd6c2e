import type { KafkaConfig } from '../process/config.ts';
import type { Logger } from 'pino';
import { baseClient, checkKafka, type ClientOptions, type KafkaClient } from './base-client.ts';
import { readFetchesWithin } from './fetch/install.ts';
import { kafkaSecurity } from './security.ts';
import type { KafkaSecurityConfig } from './security-config.ts';

export type { KafkaClient } from './base-client.ts';

interface KafkaOptions extends ClientOptions {
  /** Memory that one batch may take when it is read, in MiB. The limit applies to the entire process. */
  readonly maxBatchMib: number;
}

/** A client for readers and writers. It connects when its first producer, consumer or admin client does. */
export const openKafka = ({ maxBatchMib, ...options }: KafkaOptions): KafkaClient => {
  readFetchesWithin(maxBatchMib * 1024 * 1024);
  return baseClient(options);
};

/**
 * Opens the client of a process according to its settings, and makes sure that a broker answers.
 * @throws UserError if no broker answers within a few seconds, or none accepts this client
 */
export const connectKafka = async (
  config: KafkaSecurityConfig & Pick<KafkaConfig, 'KAFKA_BROKERS' | 'KAFKA_MAX_BATCH_MIB'>,
  clientId: string,
  logger: Logger,
): Promise<KafkaClient> => {
  const { KAFKA_BROKERS: brokers, KAFKA_MAX_BATCH_MIB: maxBatchMib } = config;
  const security = kafkaSecurity(config);
  const kafka = openKafka({ brokers, clientId, maxBatchMib, security, logger });
  await checkKafka(kafka, brokers, security);
  return kafka;
};
