import type { Usage } from '../../provider-sdk/index.ts';
import type { KafkaClient } from '../../shared/kafka/client.ts';
import { openLogWriter, type LogWriter } from '../../shared/kafka/log-writer.ts';
import type { NewRecord } from '../../shared/kafka/new-record.ts';
import { partitionOfKey, resourceKey } from '../../shared/model/placement.ts';
import type { Source } from '../../shared/model/source.ts';
import type { UsageEvent } from '../../shared/model/usage-event.ts';
import { eventsOf } from '../simulated-cloud/events-of.ts';
import { malformed } from './faults/malformed.ts';

/**
 * Writes spoiled records. They go around the SDK, which would refuse them. It connects when there is the first
 * one: without such faults there is none.
 */
export class SpoiledRecords {
  private readonly kafka: KafkaClient;
  private readonly encode: (event: UsageEvent) => Buffer;
  private opening: Promise<LogWriter> | null = null;

  constructor(kafka: KafkaClient, encode: (event: UsageEvent) => Buffer) {
    this.kafka = kafka;
    this.encode = encode;
  }

  /** Spoils the events of usage, and resolves when the broker has them. */
  async append(
    { topic, partitions, hourMillis }: Pick<Source, 'topic' | 'partitions' | 'hourMillis'>,
    usage: readonly Usage[],
  ): Promise<void> {
    if (usage.length === 0) return;
    const batches = new Map<number, NewRecord[]>();
    for (const each of usage) {
      const key = resourceKey(each.resourceUri);
      const partition = partitionOfKey(key, partitions);
      const batch = batches.get(partition) ?? [];
      batches.set(partition, batch);
      for (const event of eventsOf(each, hourMillis)) {
        batch.push({ key, value: malformed(event, this.encode).value });
      }
    }
    const writer = await this.open();
    for (const [partition, records] of batches) await writer.append({ topic, partition }, records);
  }

  async close(): Promise<void> {
    const writer = await this.opening?.catch(() => null);
    await writer?.close();
  }

  private open(): Promise<LogWriter> {
    this.opening ??= openLogWriter(this.kafka).catch((error: unknown) => {
      this.opening = null;
      throw error;
    });
    return this.opening;
  }
}
