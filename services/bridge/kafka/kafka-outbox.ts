import { controlRecord, type Keyring } from '../../shared/control-record.ts';
import type { LogWriter } from '../../shared/kafka/log-writer.ts';
import { partitionOfKey } from '../../shared/placement.ts';
import { millis } from '../../shared/time.ts';
import { aggregateKey } from '../../shared/usage-aggregate.ts';
import { serializeUsageCarry, type UsageCarry } from '../../shared/usage-carry.ts';
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

  async appendCarry(carry: UsageCarry): Promise<void> {
    const { topic, partitions, keyring, now } = this.options;
    const key = aggregateKey(carry);
    const record = controlRecord('carry', carry, serializeUsageCarry(carry), keyring);
    await this.writer.append({ topic, partition: partitionOfKey(key, partitions) }, [
      { ...record, key, timestamp: millis(now()) },
    ]);
  }
}
