import { controlRecord, type Keyring } from '../../shared/model/control-record.ts';
import { deadLetterRecord } from '../../shared/model/dead-letter.ts';
import { failpoint } from '../../shared/process/failpoint.ts';
import type { LogWriter } from '../../shared/kafka/log-writer.ts';
import type { TopicPartition } from '../../shared/model/log-record.ts';
import { partitionOfKey } from '../../shared/model/placement.ts';
import { partitionName } from '../../shared/model/source.ts';
import type { Millis } from '../../shared/model/time.ts';
import type { HourPart } from '../../shared/model/usage-aggregate.ts';
import type { DeadLetter } from '../../shared/usage-fold/fold.ts';
import type { Place } from '../../shared/usage-fold/place.ts';
import { HourPublisher, type HourToPublish } from '../../shared/usage-store/hour-publisher.ts';
import type { Outbox } from '../ports.ts';

/** A topic to which the aggregator writes. */
export interface OutTopic {
  readonly topic: string;
  readonly partitions: number;
}

export interface OutboxOptions {
  readonly deadLetters: OutTopic;
  readonly aggregates: OutTopic;
  readonly keyring: Keyring;
  readonly encode: (part: HourPart) => Buffer;
}

/** What the aggregator writes to Kafka. Anything may be written twice: readers recognise repetitions. */
export class KafkaOutbox implements Outbox {
  private readonly writer: LogWriter;
  private readonly options: OutboxOptions;
  private readonly hours: HourPublisher;

  constructor(writer: LogWriter, options: OutboxOptions) {
    this.writer = writer;
    this.options = options;
    const { aggregates, keyring, encode } = options;
    this.hours = new HourPublisher(writer, { ...aggregates, keyring, encode });
  }

  async publishDeadLetters(place: Place, letters: readonly DeadLetter[]): Promise<void> {
    await this.writer.append(
      target(this.options.deadLetters, place),
      letters.map(({ record, code, message }) => deadLetterRecord(place, record, code, message)),
    );
  }

  publishClosedHours(place: Place, hours: readonly HourToPublish[]): Promise<void> {
    return this.hours.publish(place, hours, () => failpoint('after-closed-aggregates'));
  }

  async appendTick(place: Place): Promise<Millis> {
    const [appended] = await this.writer.append(place, [
      controlRecord('tick', place, '', this.options.keyring),
    ]);
    if (appended?.appendTime == null) {
      throw new Error(`${place.topic} is no live topic: the broker gave no append time`);
    }
    return appended.appendTime;
  }
}

/** All records of a source partition go to one partition, so that they stay in order. */
const target = ({ topic, partitions }: OutTopic, place: Place): TopicPartition => ({
  topic,
  partition: partitionOfKey(partitionName(place), partitions),
});
