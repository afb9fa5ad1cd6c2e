import kafkajs, { type Message } from 'kafkajs';
import {
  eventsOfUsage,
  openUsageProvider,
  type Usage,
} from '../../../services/provider-sdk/index.ts';
import { readSchemaDirectory } from '../../../services/shared/avro/schema-directory.ts';
import { usageEventEncoder } from '../../../services/shared/avro/usage-event-codec.ts';
import { formatQuantity } from '../../../services/shared/model/decimal.ts';
import { resourceKey } from '../../../services/shared/model/placement.ts';
import { HOUR_MILLIS, hourOf, millis } from '../../../services/shared/model/time.ts';
import { loadRecords, type LoadOptions } from '../load/load.ts';
import { tell } from './report.ts';

/** What a sender is told, as JSON in its argument. */
export interface SendTask {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly load: LoadOptions;
  readonly sender: 'sdk' | 'kafkajs';
  /** Events of one call, and calls at once. */
  readonly batch: number;
  readonly calls: number;
}

const task = JSON.parse(process.argv[2] ?? '') as SendTask;

// All is made before the first is sent: kafkajs gets bytes, the SDK what a provider knows.
const usages: Usage[] = [];
const hour = hourOf(millis(Date.now()), HOUR_MILLIS);
for (const { event } of loadRecords(task.load, hour, HOUR_MILLIS)) {
  const { eventId: _id, usageStartTime: from, usageEndTime: to, quantity, ...texts } = event;
  usages.push({ ...texts, from, to, quantity: formatQuantity(quantity) });
}

const messagesOf = (some: readonly Usage[]): Message[] => {
  const encode = usageEventEncoder(readSchemaDirectory());
  return some.map((usage) => {
    const events = eventsOfUsage(usage);
    const [event] = events.ok ? events.value : [];
    if (!event) throw new Error('the load is no usage');
    return { key: resourceKey(event.resourceUri), value: encode(event) };
  });
};

interface Sender {
  send(from: number, to: number): Promise<unknown>;
  close(): Promise<void>;
}

const openSdk = async (): Promise<Sender> => {
  const provider = await openUsageProvider({
    kafka: { KAFKA_BROKERS: task.brokers },
    topic: task.topic,
  });
  return {
    send: (from, to) => provider.emit(usages.slice(from, to)),
    close: () => provider.close(),
  };
};

/** As one writes it: keys, the partitioner that is Kafka's own, all replicas. */
const openKafkaJs = async (): Promise<Sender> => {
  const messages = messagesOf(usages);
  const kafka = new kafkajs.Kafka({ brokers: [...task.brokers], logLevel: kafkajs.logLevel.ERROR });
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  return {
    send: (from, to) =>
      producer.send({ topic: task.topic, acks: -1, messages: messages.slice(from, to) }),
    close: () => producer.disconnect(),
  };
};

const sender = await (task.sender === 'sdk' ? openSdk() : openKafkaJs());
tell({ at: 'assigned', millis: Date.now() });
let next = 0;
const sendOn = async (): Promise<void> => {
  while (next < usages.length) {
    const from = next;
    next = Math.min(usages.length, from + task.batch);
    await sender.send(from, next);
  }
};
await Promise.all(Array.from({ length: task.calls }, sendOn));
tell({ at: 'done', millis: Date.now(), counts: { records: usages.length } });
await sender.close();
