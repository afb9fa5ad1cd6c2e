import { Kafka, logLevel } from 'kafkajs';
import type { Logger } from 'pino';
import { UserError } from '../process/errors.ts';
import { logTo } from './client-log.ts';
import { explainUnreachable } from './explain-unreachable.ts';
import { wakeOnlyForRequests } from './request-timer.ts';
import { openSocket, takeWholeAnswers } from './network/open-socket.ts';
import { NO_SECURITY, type KafkaSecurity } from './security.ts';

/** What readers, writers and admin clients are opened with. */
export type KafkaClient = Kafka;

export interface ClientOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** TLS and login; neither if it is missing. */
  readonly security?: KafkaSecurity;
  readonly logger: Logger;
}

/**
 * The kafkajs client, for who reads nothing: what is fetched is not decoded here. It connects when its first
 * producer, consumer or admin client does.
 */
export const baseClient = ({
  brokers,
  clientId,
  security: { ssl, sasl } = NO_SECURITY,
  logger,
}: ClientOptions): KafkaClient => {
  wakeOnlyForRequests();
  takeWholeAnswers();
  return new Kafka({
    clientId,
    brokers: [...brokers],
    ssl,
    socketFactory: openSocket,
    ...(sasl && { sasl }),
    connectionTimeout: 3_000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 100, maxRetryTime: 5_000, retries: 8 },
    logLevel: logLevel.INFO,
    logCreator: logTo(logger, brokers),
  });
};

/**
 * Makes sure that a broker answers.
 * @throws UserError if none answers within a few seconds, or none accepts this client
 */
export const checkKafka = async (
  kafka: KafkaClient,
  brokers: readonly string[],
  security: KafkaSecurity,
): Promise<void> => {
  const admin = kafka.admin({ retry: { retries: 1, initialRetryTime: 200 } });
  try {
    await admin.connect();
    await admin.describeCluster();
  } catch (cause) {
    throw new UserError(explainUnreachable(brokers, security, cause), { cause });
  } finally {
    await admin.disconnect().catch(() => undefined); // it may never have been connected
  }
};
