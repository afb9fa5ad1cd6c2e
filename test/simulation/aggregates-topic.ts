import { createHash } from 'node:crypto';
import { CONTROL_HEADER } from '../../services/shared/model/control-record.ts';
import type { NewRecord } from '../../services/shared/kafka/new-record.ts';
import { partitionName } from '../../services/shared/model/source.ts';
import {
  parseClosedMarker,
  type UsageAggregate,
} from '../../services/shared/model/usage-aggregate.ts';
import { readSchemaDirectory } from '../../services/shared/avro/schema-directory.ts';
import { hourPartDecoder } from '../../services/shared/avro/hour-part-codec.ts';
import { violated } from './violation.ts';

const decode = hourPartDecoder(readSchemaDirectory());

/** A closed hour as a reader of the topic has it: whole, and final. */
export interface PublishedHour {
  readonly digest: string;
  readonly aggregates: readonly UsageAggregate[];
}

/**
 * The topic of aggregates, read as the bridge reads it: parts of an hour gather until a closed marker
 * comes whose number and digest they meet. The first such marker counts; whatever comes later must
 * say the same.
 */
export class AggregatesTopic {
  /** By partition and hour. */
  readonly hours = new Map<string, PublishedHour>();
  private readonly gathering = new Map<string, Map<number, Buffer>>();

  append(records: readonly NewRecord[]): void {
    for (const { key, value, headers, timestamp } of records) {
      if (value === null) return violated('a part of an hour has no value');
      const hour = `${String(key)} ${String(timestamp)}`;
      let gathered = this.gathering.get(hour);
      if (!gathered) this.gathering.set(hour, (gathered = new Map<number, Buffer>()));
      if (headers?.[CONTROL_HEADER] === 'closed') this.close(hour, value, gathered);
      else this.gather(hour, value, gathered);
    }
  }

  private gather(hour: string, value: Buffer, gathered: Map<number, Buffer>): void {
    const whole = decode(value);
    if (whole === null) return violated('a part of an hour cannot be read');
    const { part } = whole;
    const before = gathered.get(part);
    if (before && !before.equals(value)) {
      violated(`part ${String(part)} of ${hour} was published with other content before`);
    }
    if (!before && this.hours.has(hour)) {
      violated(`part ${String(part)} came after ${hour} had been closed without it`);
    }
    gathered.set(part, value);
  }

  private close(hour: string, value: Buffer, gathered: Map<number, Buffer>): void {
    const marker = parseClosedMarker(value.toString('utf8'));
    if (marker === null) return violated('a closed marker cannot be read');
    if (hour !== `${partitionName(marker)} ${String(marker.reportedHour)}`) {
      violated(`a marker of ${hour} is about another hour`);
    }
    const before = this.hours.get(hour);
    if (before) {
      if (before.digest !== marker.digest) violated(`${hour} was closed with other content before`);
      return;
    }
    if (gathered.size !== marker.parts) return; // not whole: another one must come
    const digest = createHash('sha256');
    const aggregates: UsageAggregate[] = [];
    for (let part = 0; part < marker.parts; part++) {
      const bytes = gathered.get(part);
      if (!bytes) return violated(`${hour} has no part ${String(part)}`);
      digest.update(bytes);
      aggregates.push(...(decode(bytes)?.aggregates ?? []));
    }
    if (digest.digest('hex') !== marker.digest) return;
    this.hours.set(hour, { digest: marker.digest, aggregates });
  }
}
