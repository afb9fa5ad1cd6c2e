import { UserError } from '../../shared/errors.ts';
import { isDiskFull } from '../data-directory.ts';
import { lastLines, readTail } from '../log-tail.ts';
import { busyPort } from '../port.ts';

/** What a broker's or a tool's output says about its data directory, or null if nothing known. */
export const explainBrokerProblem = (output: string, dataDir: string): UserError | null => {
  if (output.includes('No space left on device')) {
    return new UserError(
      `Kafka could not start, the disk that holds ${dataDir} is full: make room, or choose another directory.`,
    );
  }
  if (output.includes('Failed to acquire lock on file')) {
    return new UserError(
      `Kafka could not start, another broker uses ${dataDir}: stop that one, or choose another directory.`,
    );
  }
  if (/Permission denied|AccessDeniedException|Read-only file system/.test(output)) {
    return new UserError(
      `Kafka could not start, it may not write to ${dataDir}: correct its permissions, or choose another directory.`,
    );
  }
  return null;
};

/** `Socket server failed to bind to 127.0.0.1:9092: Address already in use.` */
const BUSY = /failed to bind to [^\s]*:(\d+): Address already in use/;

/** Why a broker that was to listen on `port` ended during its start. */
export const explainBrokerFailure = async (
  logPath: string,
  dataDir: string,
  port: number,
): Promise<UserError> => {
  const log = await readTail(logPath);
  const busy = Number(BUSY.exec(log)?.[1] ?? 0);
  if (busy === port) return busyPort('Kafka', port, 'KAFKA_PORT');
  if (busy !== 0) {
    return new UserError(
      `Kafka could not start, another program has just taken port ${String(busy)}, which was free: start again.`,
    );
  }
  // A full disk may hold no log that says so.
  const text = (await isDiskFull(dataDir)) ? 'No space left on device' : log;
  return (
    explainBrokerProblem(text, dataDir) ??
    new UserError(
      `Kafka ended during its start. The last lines of ${logPath}:\n${lastLines(log, 12)}`,
    )
  );
};
