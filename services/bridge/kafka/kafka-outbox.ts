import { controlRecord, type Keyring } from '../../shared/model/control-record.ts';
import type { LogWriter } from '../../shared/kafka/log-writer.ts';
import type { NewRecord } from '../../shared/kafka/new-record.ts';
import { partitionOfKey } from '../../shared/model/placement.ts';
import { millis } from '../../shared/model/time.ts';
import { aggregateKey } from '../../shared/model/usage-aggregate.ts';
import { serializeUsageCarry, type UsageCarry } from '../../shared/model/usage-carry.ts';
import type { Outbox } from '../ports.ts';

export interface OutboxOptions {
  /** The aggregates topic. */
  readonly topic: string;
  readonly partitions: number;
  readonly keyring: Keyring;
  readonly now: () => number;
}

export class KafkaOutbox implements Outbox {
  private readonly writer: LogWriter;
  private readonly options: OutboxOptions;

  constructor(writer: LogWriter, options: OutboxOptions) {
    this.writer = writer;
    this.options = options;
  }

  async appendCarries(carries: readonly UsageCarry[]): Promise<void> {
    const { topic, partitions, keyring, now } = this.options;
    const timestamp = millis(now());
    const byPartition = new Map<number, NewRecord[]>();
    for (const carry of carries) {
      const key = aggregateKey(carry);
      const record = controlRecord('carry', carry, serializeUsageCarry(carry), keyring);
      const partition = partitionOfKey(key, partitions);
      const records = byPartition.get(partition) ?? [];
      byPartition.set(partition, records);
      records.push({ ...record, key, timestamp });
    }
    for (const [partition, records] of byPartition) {
      await this.writer.append({ topic, partition }, records);
    }
  }
}
