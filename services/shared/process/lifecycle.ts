import type { Logger } from 'pino';
import { parseEnvironment, logSettings, type Environment } from './config.ts';
import { messageOf, UserError } from './errors.ts';
import { explain } from './explain.ts';
import { createLogger } from './logging.ts';
import { STOP_SIGNALS } from './stop-signals.ts';

/** A service that is running. */
export interface RunningService {
  /** Shuts down cleanly: finishes and stores what has been accepted. */
  stop(): Promise<void>;
}

/** A service that has not stopped after this many milliseconds is ended. */
const STOP_MILLIS = 15_000;

/** How a service ends its process when something fails that no retry can fix. */
export type Crash = (error: unknown) => void;

/**
 * Runs a service as this process: starts it, tells the supervisor (if there is one) that it is ready, and
 * stops it cleanly on a signal (exit code 0). If it cannot start, cannot stop, or crashes, the process ends
 * with exit code 1 and the reason on standard error. Crashing is safe for every service: what was
 * acknowledged is stored.
 */
export const runService = (
  name: string,
  start: (logger: Logger, environment: Environment, crash: Crash) => Promise<RunningService>,
): void => {
  const fail: Crash = (error) => {
    process.stderr.write(`${name}: ${explain(error)}\n`);
    process.exit(1);
  };
  process.stderr.on('error', () => undefined); // its reader is gone: the exit code is all that is left
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  const run = async (): Promise<void> => {
    const { LOG_LEVEL } = parseEnvironment(logSettings);
    const logger = createLogger(name, LOG_LEVEL);
    const asked = stopSignal();
    const starting = start(logger, process.env, (error) => {
      logger.fatal({ err: error }, messageOf(error));
      fail(error);
    });
    // A signal during the start ends it at once: nothing has been accepted yet.
    const running = await Promise.race([starting, asked.then(() => null)]);
    if (running === null) process.exit(0);
    process.send?.({ kind: 'ready' });
    const signal = await asked;
    logger.info({ signal }, 'stopping');
    setTimeout(() => {
      fail(new UserError(`did not stop within ${String(STOP_MILLIS / 1000)} seconds`));
    }, STOP_MILLIS).unref();
    await running.stop();
    logger.info('stopped');
    process.exit(0);
  };
  run().catch(fail);
};

/** Resolves when a service should stop: on a signal, or at the end of the supervisor that started it. */
const stopSignal = (): Promise<string> =>
  new Promise((resolve) => {
    for (const signal of STOP_SIGNALS) process.on(signal, resolve);
    process.on('disconnect', () => resolve('the supervisor ended'));
  });
