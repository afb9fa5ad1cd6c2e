import {
  aggregateHeaders,
  controlRecord,
  type Keyring,
} from '../../shared/model/control-record.ts';
import { deadLetterRecord } from '../../shared/model/dead-letter.ts';
import { failpoint } from '../../shared/process/failpoint.ts';
import type { LogWriter } from '../../shared/kafka/log-writer.ts';
import type { TopicPartition } from '../../shared/model/log-record.ts';
import { partitionOfKey } from '../../shared/model/placement.ts';
import { partitionName } from '../../shared/model/source.ts';
import { millis, type Hour, type Millis } from '../../shared/model/time.ts';
import {
  aggregateKey,
  serializeClosedMarker,
  type UsageAggregate,
} from '../../shared/model/usage-aggregate.ts';
import type { Chunk } from '../../shared/usage-fold/chunk.ts';
import { HourPublication } from '../../shared/usage-fold/closed-hour.ts';
import type { Place } from '../../shared/usage-fold/place.ts';
import type { Window } from '../../shared/usage-fold/window.ts';
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
  readonly encode: (aggregate: UsageAggregate) => Buffer;
}

/** What the aggregator writes to Kafka. Anything may be written twice: readers recognise repetitions. */
export class KafkaOutbox implements Outbox {
  private readonly writer: LogWriter;
  private readonly options: OutboxOptions;

  constructor(writer: LogWriter, options: OutboxOptions) {
    this.writer = writer;
    this.options = options;
  }

  async publishDeadLetters(place: Place, chunk: Chunk): Promise<void> {
    await this.writer.append(
      target(this.options.deadLetters, place),
      chunk.deadLetters.map(({ record, code, message }) =>
        deadLetterRecord(place, record, code, message),
      ),
    );
  }

  async publishClosedHour(
    place: Place,
    hour: Hour,
    windows: Iterable<readonly Window[]> | AsyncIterable<readonly Window[]>,
  ): Promise<void> {
    const { aggregates, keyring, encode } = this.options;
    const at = target(aggregates, place);
    const common = { key: aggregateKey(place), timestamp: millis(hour) };
    const append = async (values: readonly Buffer[]): Promise<void> => {
      await this.writer.append(
        at,
        values.map((value) => ({
          ...common,
          value,
          headers: aggregateHeaders(place, value, keyring),
        })),
      );
    };
    const publication = new HourPublication(place, hour, encode);
    for await (const part of windows) await append(publication.add(part));
    const { aggregates: last, marker } = publication.end();
    await append(last);
    if (marker.count > 0) failpoint('after-closed-aggregates');
    // Only now, because the marker says that all aggregates have been written.
    const body = serializeClosedMarker(marker);
    await this.writer.append(at, [{ ...controlRecord('closed', place, body, keyring), ...common }]);
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
