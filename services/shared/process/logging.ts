import { pino, type DestinationStream, type Logger } from 'pino';

/**
 * Standard output. A service goes on when nobody reads its lines any more, and can still end: pino's own
 * destination tries again for ever at the end of the process if the reader is gone.
 */
const standardOutput = (): DestinationStream => {
  process.stdout.on('error', () => undefined); // there is nowhere left to say it
  return process.stdout;
};

/** A service's root logger: JSON lines on standard output, unless another destination is given. */
export const createLogger = (
  service: string,
  level: string,
  destination: DestinationStream = standardOutput(),
): Logger => pino({ name: service, level, base: { name: service } }, destination);
