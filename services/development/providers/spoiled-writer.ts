import type { Logger } from 'pino';
import { connectKafka } from '../../shared/kafka/client.ts';
import { openLogWriter, type LogWriter } from '../../shared/kafka/log-writer.ts';
import type { NewRecord } from '../../shared/kafka/new-record.ts';
import type { TopicPartition } from '../../shared/model/log-record.ts';
import type { KafkaConfig } from '../../shared/process/config.ts';

/** Writes what the SDK would refuse. It connects with the first record, because most providers spoil none. */
export class SpoiledWriter {
  private readonly config: KafkaConfig;
  private readonly logger: Logger;
  private opening: Promise<LogWriter> | null = null;

  constructor(config: KafkaConfig, logger: Logger) {
    this.config = config;
    this.logger = logger;
  }

  async append(at: TopicPartition, records: readonly NewRecord[]): Promise<void> {
    this.opening ??= this.open();
    const writer = await this.opening;
    await writer.append(at, records);
  }

  async close(): Promise<void> {
    const writer = await this.opening;
    await writer?.close();
  }

  private async open(): Promise<LogWriter> {
    try {
      return await openLogWriter(await connectKafka(this.config, 'usage-spoiled', this.logger));
    } catch (error) {
      this.opening = null; // the next record tries again
      throw error;
    }
  }
}
