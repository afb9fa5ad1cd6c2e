import { Kafka, logLevel } from 'kafkajs';

/** Whether a broker at this address answers a metadata request at once. */
export const answersAt = async (broker: string): Promise<boolean> => {
  const kafka = new Kafka({
    brokers: [broker],
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
