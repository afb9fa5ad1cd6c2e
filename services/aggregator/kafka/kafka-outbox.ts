import {
  aggregateHeaders,
  controlRecord,
  type Keyring,
} from '../../shared/model/control-record.ts';
import { deadLetterRecord } from '../../shared/model/dead-letter.ts';
import { failpoint } from '../../shared/process/failpoint.ts';
import type { LogWriter } from '../../shared/kafka/log-writer.ts';
import type { NewRecord } from '../../shared/kafka/new-record.ts';
import type { TopicPartition } from '../../shared/model/log-record.ts';
import { partitionOfKey } from '../../shared/model/placement.ts';
import { partitionName } from '../../shared/model/source.ts';
import { millis, type Hour, type Millis } from '../../shared/model/time.ts';
import {
  aggregateKey,
  serializeClosedMarker,
  type ClosedMarker,
  type UsageAggregate,
} from '../../shared/model/usage-aggregate.ts';
import { HourPublication } from '../../shared/usage-fold/closed-hour.ts';
import type { DeadLetter } from '../../shared/usage-fold/fold.ts';
import type { Place } from '../../shared/usage-fold/place.ts';
import type { HourToPublish, Outbox } from '../ports.ts';

/** A topic to which the aggregator writes. */
export interface OutTopic {
  readonly topic: string;
  readonly partitions: number;
}

export interface OutboxOptions {
  readonly deadLetters: OutTopic;
  readonly aggregates: OutTopic;
  readonly keyring: Keyring;
  readonly encode: (aggregate: UsageAggregate) => Buffer;
}

/** Records of closed hours in one append. */
const APPENDED_RECORDS = 500;

/** What the aggregator writes to Kafka. Anything may be written twice: readers recognise repetitions. */
export class KafkaOutbox implements Outbox {
  private readonly writer: LogWriter;
  private readonly options: OutboxOptions;

  constructor(writer: LogWriter, options: OutboxOptions) {
    this.writer = writer;
    this.options = options;
  }

  async publishDeadLetters(place: Place, letters: readonly DeadLetter[]): Promise<void> {
    await this.writer.append(
      target(this.options.deadLetters, place),
      letters.map(({ record, code, message }) => deadLetterRecord(place, record, code, message)),
    );
  }

  async publishClosedHours(place: Place, hours: readonly HourToPublish[]): Promise<void> {
    const at = target(this.options.aggregates, place);
    let records: NewRecord[] = [];
    const append = async (): Promise<void> => {
      const now = records;
      records = [];
      await this.writer.append(at, now);
    };
    let aggregates = 0;
    for (const { hour, windows } of hours) {
      const publication = new HourPublication(place, hour, this.options.encode);
      const add = (values: readonly Buffer[]): void => {
        for (const value of values) records.push(this.aggregateRecord(place, hour, value));
      };
      for await (const part of windows()) {
        add(publication.add(part));
        if (records.length >= APPENDED_RECORDS) await append();
      }
      const { aggregates: rest, marker } = publication.end();
      add(rest);
      aggregates += marker.count;
      if (hour === hours.at(-1)?.hour) {
        await append();
        if (aggregates > 0) failpoint('after-closed-aggregates');
      }
      // After them, because the marker says that all aggregates have been written.
      records.push(this.markerRecord(place, hour, marker));
    }
    await append();
  }

  private aggregateRecord(place: Place, hour: Hour, value: Buffer): NewRecord {
    return {
      key: aggregateKey(place),
      value,
      headers: aggregateHeaders(place, value, this.options.keyring),
      timestamp: millis(hour),
    };
  }

  private markerRecord(place: Place, hour: Hour, marker: ClosedMarker): NewRecord {
    return {
      ...controlRecord('closed', place, serializeClosedMarker(marker), this.options.keyring),
      key: aggregateKey(place),
      timestamp: millis(hour),
    };
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
