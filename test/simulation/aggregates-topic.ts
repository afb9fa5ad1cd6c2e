import { createHash } from 'node:crypto';
import { CONTROL_HEADER } from '../../services/shared/model/control-record.ts';
import type { NewRecord } from '../../services/shared/kafka/new-record.ts';
import { partitionName } from '../../services/shared/model/source.ts';
import {
  parseClosedMarker,
  type UsageAggregate,
} from '../../services/shared/model/usage-aggregate.ts';
import { readSchemaDirectory } from '../../services/shared/avro/schema-directory.ts';
import { usageAggregateDecoder } from '../../services/shared/avro/usage-aggregate-codec.ts';
import { uuidText } from '../../services/shared/model/usage-event.ts';
import { violated } from './violation.ts';

const decode = usageAggregateDecoder(readSchemaDirectory());

/** A closed hour as a reader of the topic has it: whole, and final. */
export interface PublishedHour {
  readonly digest: string;
  readonly aggregates: readonly UsageAggregate[];
}

/**
 * The topic of aggregates, read as the bridge reads it: aggregates gather by id until a closed marker
 * comes whose count and digest they meet. The first such marker counts; whatever comes later must
 * say the same.
 */
export class AggregatesTopic {
  /** By partition and hour. */
  readonly hours = new Map<string, PublishedHour>();
  private readonly gathering = new Map<string, Map<string, Buffer>>();

  append(records: readonly NewRecord[]): void {
    for (const { key, value, headers, timestamp } of records) {
      if (value === null) return violated('an aggregate has no value');
      const hour = `${String(key)} ${String(timestamp)}`;
      let gathered = this.gathering.get(hour);
      if (!gathered) this.gathering.set(hour, (gathered = new Map<string, Buffer>()));
      if (headers?.[CONTROL_HEADER] === 'closed') this.close(hour, value, gathered);
      else this.gather(hour, value, gathered);
    }
  }

  private gather(hour: string, value: Buffer, gathered: Map<string, Buffer>): void {
    const aggregate = decode(value);
    if (aggregate === null) return violated('an aggregate cannot be read');
    const id = uuidText(aggregate.aggregateId);
    const before = gathered.get(id);
    if (before && !before.equals(value)) {
      violated(`aggregate ${id} of ${hour} was published with other content before`);
    }
    if (!before && this.hours.has(hour)) {
      violated(`aggregate ${id} came after ${hour} had been closed without it`);
    }
    gathered.set(id, value);
  }

  private close(hour: string, value: Buffer, gathered: Map<string, Buffer>): void {
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
    if (gathered.size !== marker.count) return; // not whole: another one must come
    const digest = createHash('sha256');
    const aggregates: UsageAggregate[] = [];
    for (const bytes of gathered.values()) {
      digest.update(bytes);
      const aggregate = decode(bytes);
      if (aggregate) aggregates.push(aggregate);
    }
    if (digest.digest('hex') !== marker.digest) return;
    this.hours.set(hour, { digest: marker.digest, aggregates });
  }
}
