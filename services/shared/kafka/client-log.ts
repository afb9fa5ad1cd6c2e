import { logLevel, type logCreator } from 'kafkajs';
import type { Logger } from 'pino';

type Level = 'debug' | 'info' | 'warn' | 'error';

/** Every rebalance causes these messages; kafkajs logs them as errors and rejoins the group. */
const REBALANCE =
  /group is rebalancing|group coordinator is not available|not aware of this member|group generation id is not valid|member needs to have a valid member id|re-joining the group/i;

const OUT_OF_REACH =
  /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ECONNRESET|EPIPE|connection timeout|connection error|closed connection|failed to connect to (seed )?broker|not connected/i;

/** True of kafkajs alone: `sequenced-writer.ts` numbers batches itself, so that giving up does no harm. */
const LIMITED_RETRIES = 'Limiting retries for the idempotent producer';

/** The text of a log entry of kafkajs: its message and, from another field, the error's message. */
const textOf = (entry: Readonly<Record<string, unknown>>): string =>
  `${String(entry['message'])} ${typeof entry['error'] === 'string' ? entry['error'] : ''}`;

/**
 * The level for a log entry: ordinary rebalances are not errors, and retried connections are reported once.
 */
export const levelOf = (level: logLevel, text: string): Level | 'out-of-reach' => {
  if (level <= logLevel.WARN && REBALANCE.test(text)) return 'info';
  if (level <= logLevel.WARN && OUT_OF_REACH.test(text)) return 'out-of-reach';
  if (level <= logLevel.WARN && text.includes(LIMITED_RETRIES)) return 'debug';
  if (level <= logLevel.ERROR) return 'error';
  if (level <= logLevel.WARN) return 'warn';
  return level <= logLevel.INFO ? 'info' : 'debug';
};

/** An unreachable broker is reported once in this many milliseconds. */
const OUT_OF_REACH_INTERVAL = 10_000;

/** Where a client of kafkajs logs. */
export const logTo =
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
