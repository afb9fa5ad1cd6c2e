import kafkajs, { type Kafka, type Producer } from 'kafkajs';
import type { HostileRecord } from './hostile-records.ts';

/** kafkajs fails on about 1 MiB for one partition. */
const CHUNK_BYTES = 400 * 1024;

const sizeOf = ({ key, value, headers }: HostileRecord): number =>
  (key?.length ?? 0) + (value?.length ?? 0) + 100 + JSON.stringify(headers).length;

/** Sends records to their partitions with kafkajs alone: it takes headers of bytes, and several. */
export class HostileSender {
  private readonly producer: Producer;
  private readonly topic: string;

  private constructor(producer: Producer, topic: string) {
    this.producer = producer;
    this.topic = topic;
  }

  static async open(kafka: Kafka, topic: string): Promise<HostileSender> {
    const producer = kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    return new HostileSender(producer, topic);
  }

  /** Resolves when all are acknowledged. */
  async send(records: readonly HostileRecord[]): Promise<void> {
    const byPartition = new Map<number, HostileRecord[]>();
    for (const record of records) {
      const group = byPartition.get(record.partition);
      if (group) group.push(record);
      else byPartition.set(record.partition, [record]);
    }
    await Promise.all([...byPartition.values()].map((group) => this.sendInOrder(group)));
  }

  close(): Promise<void> {
    return this.producer.disconnect();
  }

  private async sendInOrder(records: readonly HostileRecord[]): Promise<void> {
    let chunk: HostileRecord[] = [];
    let bytes = 0;
    for (const record of records) {
      const size = sizeOf(record);
      if (chunk.length > 0 && bytes + size > CHUNK_BYTES) {
        await this.sendChunk(chunk);
        chunk = [];
        bytes = 0;
      }
      chunk.push(record);
      bytes += size;
    }
    if (chunk.length > 0) await this.sendChunk(chunk);
  }

  private async sendChunk(chunk: readonly HostileRecord[]): Promise<void> {
    await this.producer.send({
      topic: this.topic,
      acks: -1,
      messages: chunk.map(({ partition, key, value, headers }) => ({
        partition,
        key,
        value,
        headers: { ...headers },
      })),
    });
  }
}
