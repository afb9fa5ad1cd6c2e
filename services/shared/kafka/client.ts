import { Kafka, logLevel, type logCreator } from 'kafkajs';
import type { Logger } from 'pino';
import type { KafkaConfig } from '../process/config.ts';
import { messageOf, UserError } from '../process/errors.ts';
import { readFetchesWithin } from './fetch/install.ts';
import { wakeOnlyForRequests } from './request-timer.ts';

export interface KafkaOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Memory that one batch may take when it is read, in MiB. The limit applies to the entire process. */
  readonly maxBatchMib: number;
  readonly logger: Logger;
}

type Level = 'debug' | 'info' | 'warn' | 'error';

/** Every rebalance causes these messages; kafkajs logs them as errors and rejoins the group. */
const REBALANCE =
  /group is rebalancing|group coordinator is not available|not aware of this member|group generation id is not valid|member needs to have a valid member id|re-joining the group/i;

const OUT_OF_REACH =
  /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ECONNRESET|EPIPE|connection timeout|connection error|closed connection|failed to connect to (seed )?broker|not connected/i;

/** The text of a log entry of kafkajs: its message and, from another field, the error's message. */
const textOf = (entry: Readonly<Record<string, unknown>>): string =>
  `${String(entry['message'])} ${typeof entry['error'] === 'string' ? entry['error'] : ''}`;

/**
 * The level for a log entry: ordinary rebalances are not errors, and retried connections are reported once.
 */
export const levelOf = (level: logLevel, text: string): Level | 'out-of-reach' => {
  if (level <= logLevel.WARN && REBALANCE.test(text)) return 'info';
  if (level <= logLevel.WARN && OUT_OF_REACH.test(text)) return 'out-of-reach';
  if (level <= logLevel.ERROR) return 'error';
  if (level <= logLevel.WARN) return 'warn';
  return level <= logLevel.INFO ? 'info' : 'debug';
};

/** An unreachable broker is reported once in this many milliseconds. */
const OUT_OF_REACH_INTERVAL = 10_000;

const logTo =
  (logger: Logger, brokers: readonly string[]): logCreator =>
  () => {
    let mentioned = -Infinity;
    return ({ namespace, level, log }) => {
      const { message, timestamp: _timestamp, logger: _logger, ...fields } = log;
      const deserved = levelOf(level, textOf(log));
      if (deserved !== 'out-of-reach') {
        logger[deserved]({ part: namespace, ...fields }, message);
        return;
      }
      logger.debug({ part: namespace, ...fields }, message);
      if (Date.now() - mentioned < OUT_OF_REACH_INTERVAL) return;
      mentioned = Date.now();
      logger.warn(`Kafka at ${brokers.join(', ')} does not answer; trying again`);
    };
  };

/** What readers, writers and admin clients are opened with. */
export type KafkaClient = Kafka;

/** The kafkajs client. It connects when its first producer, consumer or admin client does. */
export const openKafka = ({
  brokers,
  clientId,
  maxBatchMib,
  logger,
}: KafkaOptions): KafkaClient => {
  readFetchesWithin(maxBatchMib * 1024 * 1024);
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
 * Opens the client of a process according to its settings, and makes sure that a broker answers.
 * @throws UserError if no broker answers within a few seconds
 */
export const connectKafka = async (
  config: Pick<KafkaConfig, 'KAFKA_BROKERS' | 'KAFKA_MAX_BATCH_MIB'>,
  clientId: string,
  logger: Logger,
): Promise<KafkaClient> => {
  const { KAFKA_BROKERS: brokers, KAFKA_MAX_BATCH_MIB: maxBatchMib } = config;
  const kafka = openKafka({ brokers, clientId, maxBatchMib, logger });
  await checkKafka(kafka, brokers);
  return kafka;
};

const checkKafka = async (kafka: KafkaClient, brokers: readonly string[]): Promise<void> => {
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
