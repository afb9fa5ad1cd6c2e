import pRetry from 'p-retry';
import type { Logger } from 'pino';
import { messageOf } from './errors.ts';

const FIRST_DELAY = 100;
const MAX_DELAY = 5_000;
/** From this many failures on, each is a warning: by then it is no passing trouble. */
const QUIET_FAILURES = 2;

/**
 * Runs a step again until it succeeds, with growing delays (100 ms to 5 s), or rejects when the
 * signal is aborted. For steps that may be repeated without harm, against a store or a broker that
 * will come back.
 */
export const persist =
  (logger: Logger) =>
  <T>(what: string, step: () => Promise<T>, signal: AbortSignal): Promise<T> =>
    pRetry(step, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: FIRST_DELAY,
      maxTimeout: MAX_DELAY,
      randomize: true,
      signal,
      // Only network errors are passed on by p-retry as such; a TypeError of any other kind is a defect.
      onFailedAttempt: ({ error, attemptNumber }) => {
        const level = attemptNumber <= QUIET_FAILURES ? 'info' : 'warn';
        logger[level](
          { attempt: attemptNumber, reason: messageOf(error) },
          `could not ${what}; trying again`,
        );
      },
    });
