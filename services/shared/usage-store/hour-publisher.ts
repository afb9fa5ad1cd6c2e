import type { LogWriter } from '../kafka/log-writer.ts';
import type { NewRecord } from '../kafka/new-record.ts';
import { controlRecord, hourPartHeaders, type Keyring } from '../model/control-record.ts';
import { partitionOfKey } from '../model/placement.ts';
import { millis, type Hour } from '../model/time.ts';
import {
  aggregateKey,
  serializeClosedMarker,
  type ClosedMarker,
  type HourPart,
} from '../model/usage-aggregate.ts';
import { HourPublication } from '../usage-fold/closed-hour.ts';
import type { Place } from '../usage-fold/place.ts';
import type { Window } from '../usage-fold/window.ts';

/** A closed hour, and its windows in the order of their keys, in parts. */
export interface HourToPublish {
  readonly hour: Hour;
  readonly windows: () => Iterable<readonly Window[]> | AsyncIterable<readonly Window[]>;
}

export interface HourPublisherOptions {
  /** The aggregates topic. */
  readonly topic: string;
  readonly partitions: number;
  readonly keyring: Keyring;
  readonly encode: (part: HourPart) => Buffer;
}

/** Records of closed hours in one append: each is up to some hundred KB. */
const APPENDED_RECORDS = 100;

/**
 * Publishes closed hours to the aggregates topic. What is published is a pure function of the windows, so an
 * hour may be published again: by an aggregator after a crash, or by a bridge that has lost it unread.
 */
export class HourPublisher {
  private readonly writer: LogWriter;
  private readonly options: HourPublisherOptions;

  constructor(writer: LogWriter, options: HourPublisherOptions) {
    this.writer = writer;
    this.options = options;
  }

  /** @param beforeLastMarker called when all parts of the last hour are in the log, if there are any */
  async publish(
    place: Place,
    hours: readonly HourToPublish[],
    beforeLastMarker: () => void = () => undefined,
  ): Promise<void> {
    const { topic, partitions } = this.options;
    const at = { topic, partition: partitionOfKey(aggregateKey(place), partitions) };
    let records: NewRecord[] = [];
    const append = async (): Promise<void> => {
      const now = records;
      records = [];
      await this.writer.append(at, now);
    };
    let parts = 0;
    for (const { hour, windows } of hours) {
      const publication = new HourPublication(place, hour, this.options.encode);
      const add = (values: readonly Buffer[]): void => {
        for (const value of values) records.push(this.partRecord(place, hour, value));
      };
      for await (const part of windows()) {
        add(publication.add(part));
        if (records.length >= APPENDED_RECORDS) await append();
      }
      const { parts: rest, marker } = publication.end();
      add(rest);
      parts += marker.parts;
      if (hour === hours.at(-1)?.hour) {
        await append();
        if (parts > 0) beforeLastMarker();
      }
      // After them, because the marker says that all parts have been written.
      records.push(this.markerRecord(place, hour, marker));
    }
    await append();
  }

  private partRecord(place: Place, hour: Hour, value: Buffer): NewRecord {
    return {
      key: aggregateKey(place),
      value,
      headers: hourPartHeaders(place, value, this.options.keyring),
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
}
