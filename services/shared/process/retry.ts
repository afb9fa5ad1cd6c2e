import pRetry from 'p-retry';
import type { Logger } from 'pino';
import { messageOf } from './errors.ts';

const FIRST_DELAY = 100;
const MAX_DELAY = 5_000;
/** From this many failures on, each one is a warning: by then the trouble is not passing. */
const QUIET_FAILURES = 2;

/** p-retry gives up on a TypeError, and kafkajs throws one where a broker's answer lacks a part. */
const rethrow = (error: unknown): never => {
  throw error instanceof Error && error.name === 'TypeError'
    ? new Error(error.message, { cause: error })
    : error;
};

/**
 * Runs a step again until it succeeds, with growing delays (100 ms to 5 s), or rejects when the
 * signal is aborted. For steps that may be repeated without harm, against a store or a broker that
 * will come back.
 */
export const persist =
  (logger: Logger) =>
  <T>(what: string, step: () => Promise<T>, signal: AbortSignal): Promise<T> =>
    pRetry(() => step().catch(rethrow), {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: FIRST_DELAY,
      maxTimeout: MAX_DELAY,
      randomize: true,
      signal,

      onFailedAttempt: ({ error, attemptNumber }) => {
        const level = attemptNumber <= QUIET_FAILURES ? 'info' : 'warn';
        logger[level](
          { attempt: attemptNumber, reason: messageOf(error) },
          `could not ${what}; trying again`,
        );
      },
    });
