import { UserError } from '../process/errors.ts';

/** Older versions of a request have another form; only brokers before 0.11 need them. */
export const checkVersion = (version: number, oldest: number): void => {
  if (version >= oldest) return;
  throw new UserError(
    'Kafka is older than 0.11: its records have no headers, which the pipeline needs; use a newer Kafka',
  );
};
