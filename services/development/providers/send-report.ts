import type { Usage } from '../../provider-sdk/usage.ts';
import type { LogWriter } from '../../shared/kafka/log-writer.ts';
import type { NewRecord } from '../../shared/kafka/new-record.ts';
import { partitionOfKey, resourceKey } from '../../shared/model/placement.ts';
import type { Source } from '../../shared/model/source.ts';
import type { UsageEvent } from '../../shared/model/usage-event.ts';
import { eventsOf } from '../simulated-cloud/events-of.ts';
import { malformed } from './faults/malformed.ts';
import type { Report } from './faults/report-of.ts';

export interface SendingPorts {
  readonly writer: Pick<LogWriter, 'append'>;
  readonly source: Pick<Source, 'topic' | 'partitions' | 'hourMillis'>;
  readonly encode: (event: UsageEvent) => Buffer;
}

/**
 * Sends a report: usage as the events that the SDK makes of it, and spoiled records, which the SDK would
 * refuse. Resolves when the broker has all of it.
 */
export const sendReport =
  ({ writer, source, encode }: SendingPorts) =>
  async ({ usage, spoiled }: Report): Promise<void> => {
    const { topic, partitions, hourMillis } = source;
    const batches = new Map<number, NewRecord[]>();
    const add = (each: Usage, valueOf: (event: UsageEvent) => Buffer): void => {
      const key = resourceKey(each.resourceUri);
      const partition = partitionOfKey(key, partitions);
      const batch = batches.get(partition) ?? [];
      batches.set(partition, batch);
      for (const event of eventsOf(each, hourMillis)) batch.push({ key, value: valueOf(event) });
    };
    for (const each of usage) add(each, encode);
    for (const each of spoiled) add(each, (event) => malformed(event, encode).value);
    for (const [partition, records] of batches) await writer.append({ topic, partition }, records);
  };
