import { pino, type DestinationStream, type Logger } from 'pino';

/** A service's root logger: JSON lines on standard output, unless another destination is given. */
export const createLogger = (
  service: string,
  level: string,
  destination: DestinationStream = pino.destination(1),
): Logger => pino({ name: service, level, base: { name: service } }, destination);
