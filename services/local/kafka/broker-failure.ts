import { UserError } from '../../shared/errors.ts';
import { busyPort } from '../child-process.ts';
import { lastLines } from '../log-tail.ts';

/** Why a broker ended during its start, read from its log; the first pattern that fits wins. */
export const explainBrokerFailure = (log: string, dataDir: string, port: number): UserError => {
  if (log.includes('No space left on device')) {
    return new UserError(
      `Kafka could not start, the disk that holds ${dataDir} is full: make room.`,
    );
  }
  if (log.includes('Address already in use')) return busyPort('Kafka', port, 'KAFKA_PORT');
  if (log.includes('Failed to acquire lock on file')) {
    return new UserError(
      `Kafka could not start, another broker uses ${dataDir}: stop that one, or choose another directory.`,
    );
  }
  if (/Permission denied|AccessDeniedException|Read-only file system/.test(log)) {
    return new UserError(
      `Kafka could not start, it may not write to ${dataDir}: correct its permissions.`,
    );
  }
  return new UserError(
    `Kafka ended during its start. The last lines of ${dataDir}/kafka.log:\n${lastLines(log, 12)}`,
  );
};
