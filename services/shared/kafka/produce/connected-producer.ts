import { Partitioners, type Kafka, type Producer, type ProducerConfig } from 'kafkajs';
import { sendBatches } from './install.ts';

/**
 * Connects a producer to which each caller names the partitions. It makes no topics.
 * @throws what kafkajs says where it cannot connect; nothing is left of the producer then
 */
export const connectedProducer = async (
  kafka: Kafka,
  options: Pick<ProducerConfig, 'idempotent' | 'retry'>,
): Promise<Producer> => {
  sendBatches();
  const producer = kafka.producer({
    ...options,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  try {
    await producer.connect();
  } catch (error) {
    await producer.disconnect().catch(() => undefined); // it may never have been connected
    throw error;
  }
  return producer;
};
