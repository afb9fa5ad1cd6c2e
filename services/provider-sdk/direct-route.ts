import type { Logger } from 'pino';
import { openIdempotentWriter } from '../shared/kafka/idempotent-writer.ts';
import type { SequencedWriter } from '../shared/kafka/sequenced-writer.ts';
import { partitionOfKey } from '../shared/model/placement.ts';
import { messageOf } from '../shared/process/errors.ts';
import { clientOf, connectWriter, countPartitions, reach, type Destination } from './connect.ts';
import { DeliveryFailed } from './provider-errors.ts';
import type { EncodedEvent, Route, RouteStatus } from './route.ts';
import { SendBuffer } from './send-buffer.ts';

export interface DirectOptions extends Destination {
  readonly maxBufferedBytes: number;
  readonly maxBatchBytes: number;
  readonly giveUpMillis: number;
  readonly closeMillis: number;
}

/** What a record takes in memory besides its key and value. */
const RECORD_OVERHEAD_BYTES = 300;

/**
 * Opens the way from memory to the broker.
 * @throws UserError if no broker answers, or it does not know the topic
 */
export const openDirectRoute = async (options: DirectOptions, logger: Logger): Promise<Route> => {
  const client = clientOf(options, logger);
  await reach(client, options);
  const partitions = await countPartitions(client, options);
  const writer = openIdempotentWriter(client, logger);
  await connectWriter(writer, options);
  return new DirectRoute(options, partitions, writer);
};

class DirectRoute implements Route {
  private readonly options: DirectOptions;
  private readonly partitions: number;
  private readonly writer: SequencedWriter;
  private readonly buffer: SendBuffer;
  private sent = 0;

  constructor(options: DirectOptions, partitions: number, writer: SequencedWriter) {
    this.options = options;
    this.partitions = partitions;
    this.writer = writer;
    const { topic, maxBufferedBytes: maxBytes, maxBatchBytes, giveUpMillis } = options;
    this.buffer = new SendBuffer({
      append: async (partition, records, giveUp) => {
        await this.writer.append({ topic, partition }, records, giveUp);
        this.sent += records.length;
      },
      ...{ maxBytes, maxBatchBytes, giveUpMillis },
    });
  }

  async deliver(events: readonly EncodedEvent[]): Promise<void> {
    const placed = events.map((record) => ({
      partition: partitionOfKey(record.key, this.partitions),
      record,
      bytes: record.key.length + record.value.length + RECORD_OVERHEAD_BYTES,
    }));
    await this.appended(this.buffer.add(placed));
  }

  async flush(): Promise<void> {
    await this.appended(this.buffer.flush());
  }

  async close(): Promise<void> {
    const timer = setTimeout(() => {
      this.buffer.hurry();
    }, this.options.closeMillis);
    try {
      await this.flush();
    } finally {
      clearTimeout(timer);
      await this.writer.close();
    }
  }

  status(): RouteStatus {
    return {
      partitions: this.partitions,
      sentEvents: this.sent,
      bufferedEvents: this.buffer.heldRecords,
      bufferedBytes: this.buffer.heldBytes,
      waitingCalls: this.buffer.waitingCalls,
      problem: this.writer.problem,
      spool: null,
    };
  }

  private async appended(appending: Promise<void>): Promise<void> {
    try {
      await appending;
    } catch (cause) {
      const brokers = this.options.kafka.KAFKA_BROKERS.join(', ');
      throw new DeliveryFailed(
        `Kafka at ${brokers} did not acknowledge usage on ${this.options.topic} (${messageOf(cause)}). Emit it again: ` +
          'what has arrived counts once.',
        { cause },
      );
    }
  }
}
