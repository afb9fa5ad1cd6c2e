import { Kafka, logLevel } from 'kafkajs';
import type { Logger } from 'pino';
import { messageOf, UserError } from '../process/errors.ts';
import { logTo } from './client-log.ts';
import { wakeOnlyForRequests } from './request-timer.ts';

/** What readers, writers and admin clients are opened with. */
export type KafkaClient = Kafka;

export interface ClientOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly logger: Logger;
}

/**
 * The kafkajs client, for who reads nothing: what is fetched is not decoded here. It connects when its first
 * producer, consumer or admin client does.
 */
export const baseClient = ({ brokers, clientId, logger }: ClientOptions): KafkaClient => {
  wakeOnlyForRequests();
  return new Kafka({
    clientId,
    brokers: [...brokers],
    connectionTimeout: 3_000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 100, maxRetryTime: 5_000, retries: 8 },
    logLevel: logLevel.INFO,
    logCreator: logTo(logger, brokers),
  });
};

const kafkaOutOfReach = (brokers: readonly string[], cause: unknown): UserError =>
  new UserError(
    `Kafka at ${brokers.join(', ')} cannot be reached: start it with "npm start", or set KAFKA_BROKERS ` +
      `(${messageOf(cause)})`,
    { cause },
  );

/**
 * Makes sure that a broker answers.
 * @throws UserError if none answers within a few seconds
 */
export const checkKafka = async (kafka: KafkaClient, brokers: readonly string[]): Promise<void> => {
  const admin = kafka.admin({ retry: { retries: 1, initialRetryTime: 200 } });
  try {
    await admin.connect();
    await admin.describeCluster();
  } catch (error) {
    throw kafkaOutOfReach(brokers, error);
  } finally {
    await admin.disconnect().catch(() => undefined); // it may never have been connected
  }
};
