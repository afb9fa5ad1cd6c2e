import type { Logger } from 'pino';
import { z } from 'zod';
import { HOUR_MILLIS } from '../shared/model/time.ts';
import { BROKER_ADDRESS, KAFKA_MECHANISMS } from '../shared/kafka/security-config.ts';
import { UserError } from '../shared/process/errors.ts';
import type { ProviderOptions } from './provider-options.ts';

const MEBIBYTE = 1024 * 1024;

const positive = (byDefault: number) =>
  z.int({ error: 'must be a whole number' }).positive().default(byDefault);

const optionsSchema = z.strictObject({
  // The settings of a service have more than this.
  kafka: z.object({
    KAFKA_BROKERS: z.array(z.string().regex(BROKER_ADDRESS, 'must be host:port')).min(1).readonly(),
    KAFKA_TLS: z.enum(['on', 'off']).optional(),
    KAFKA_CA_FILE: z.string().optional(),
    KAFKA_SASL_MECHANISM: z.enum(KAFKA_MECHANISMS).optional(),
    KAFKA_USERNAME: z.string().optional(),
    KAFKA_PASSWORD: z.string().optional(),
  }),
  topic: z.string().min(1),
  hourMillis: positive(HOUR_MILLIS),
  maxBufferedBytes: positive(32 * MEBIBYTE),
  giveUpMillis: positive(120_000),
  closeMillis: positive(5_000),
  spool: z.strictObject({ directory: z.string().min(1), maxBytes: z.int().positive() }).optional(),
  logger: z.custom<Logger>().optional(),
});

export type ReadOptions = z.output<typeof optionsSchema>;

/** @throws UserError that names every problem */
export const readOptions = (options: ProviderOptions): ReadOptions => {
  const read = optionsSchema.safeParse(options);
  if (read.success) return read.data;
  const problems = read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new UserError(`The provider cannot be opened. ${problems.join('; ')}`);
};
