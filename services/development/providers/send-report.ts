import { eventsOfUsage } from '../../provider-sdk/events-of-usage.ts';
import type { Usage } from '../../provider-sdk/usage.ts';
import type { NewRecord } from '../../shared/kafka/new-record.ts';
import { partitionOfKey, resourceKey } from '../../shared/model/placement.ts';
import type { Source } from '../../shared/model/source.ts';
import type { UsageEvent } from '../../shared/model/usage-event.ts';
import { malformed } from './faults/malformed.ts';
import type { Report } from './faults/report-of.ts';
import type { SpoiledWriter } from './spoiled-writer.ts';

export interface SendingPorts {
  /** The SDK. */
  readonly emit: (usage: readonly Usage[]) => Promise<void>;
  /** Writes what the SDK would refuse. */
  readonly writer: Pick<SpoiledWriter, 'append'>;
  readonly source: Pick<Source, 'topic' | 'partitions' | 'hourMillis'>;
  readonly encode: (event: UsageEvent) => Buffer;
}

/** Sends a report: usage through the SDK, and spoiled records around it. */
export const sendReport =
  ({ emit, writer, source, encode }: SendingPorts) =>
  async ({ usage, spoiled }: Report): Promise<void> => {
    await emit(usage);
    const { topic, partitions, hourMillis } = source;
    const batches = new Map<number, NewRecord[]>();
    for (const each of spoiled) {
      const key = resourceKey(each.resourceUri);
      const partition = partitionOfKey(key, partitions);
      const events = eventsOfUsage(each, hourMillis);
      if (!events.ok)
        throw new Error(`the simulated cloud has made ${JSON.stringify(events.error)}`);
      const batch = batches.get(partition) ?? [];
      batch.push(...events.value.map((event) => ({ key, value: malformed(event, encode).value })));
      batches.set(partition, batch);
    }
    for (const [partition, records] of batches) await writer.append({ topic, partition }, records);
  };
