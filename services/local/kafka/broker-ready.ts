import { connect } from 'node:net';
import { Kafka, logLevel } from 'kafkajs';
import { delay } from '../child-process.ts';

const POLL_MILLIS = 50;

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

const answers = async (port: number): Promise<boolean> => {
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${String(port)}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length > 0;
  } catch {
    return false;
  } finally {
    await admin.disconnect();
  }
};

/**
 * Resolves to true when the broker answers a metadata request that names it, so that topics can be
 * made; to false as soon as `gaveUp` says so.
 */
export const brokerReady = async (port: number, gaveUp: () => boolean): Promise<boolean> => {
  for (const isSo of [accepts, answers]) {
    while (!(await isSo(port))) {
      if (gaveUp()) return false;
      await delay(POLL_MILLIS);
    }
  }
  return !gaveUp();
};
