import { UserError } from '../../../shared/process/errors.ts';
import { explainOutput } from '../data-directory.ts';
import { lastLines, readTail } from '../log-tail.ts';
import { busyPort } from '../port.ts';

/** `Socket server failed to bind to 127.0.0.1:9092: Address already in use.` */
const BUSY = /failed to bind to [^\s]*:(\d+): Address already in use/;

/** Why a broker that listened, or was to listen, on `port` has ended, and what to do. */
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
  return (
    (await explainOutput('Kafka', dataDir, log)) ??
    new UserError(`Kafka has ended. The last lines of ${logPath}:\n${lastLines(log, 12)}`)
  );
};
