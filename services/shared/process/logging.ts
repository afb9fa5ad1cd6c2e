import { pino, type DestinationStream, type Logger } from 'pino';

/**
 * Standard output. A service goes on when nobody reads its lines any more, and can still end: pino's own
 * destination tries again for ever at the end of the process if the reader is gone.
 */
const standardOutput = (): DestinationStream => {
  process.stdout.on('error', () => undefined); // there is nowhere left to say it
  return process.stdout;
};

/** Fields that never stand in a log, at the top of a line or one level below. */
const SECRETS = [
  'authorization',
  'access_token',
  'client_secret',
  'secret',
  'token',
  'COMMERCE_TOKEN',
  'COMMERCE_CLIENT_SECRET',
  'KAFKA_PASSWORD',
  'CLICKHOUSE_PASSWORD',
  'USAGE_CONTROL_KEYS',
  'USAGE_API_TOKEN',
  'USAGE_API_TOKEN_KEYS',
  'password',
];

/** A service's root logger: JSON lines on standard output, unless another destination is given. */
export const createLogger = (
  service: string,
  level: string,
  destination: DestinationStream = standardOutput(),
): Logger =>
  pino(
    {
      name: service,
      level,
      base: { name: service },
      redact: SECRETS.flatMap((name) => [name, `*.${name}`]),
    },
    destination,
  );
