import { eventsOfUsage } from '../../provider-sdk/events-of-usage.ts';
import type { Usage } from '../../provider-sdk/usage.ts';
import type { NewRecord } from '../../shared/kafka/new-record.ts';
import { partitionOfKey, resourceKey } from '../../shared/model/placement.ts';
import type { Source } from '../../shared/model/source.ts';
import type { UsageEvent } from '../../shared/model/usage-event.ts';
import type { SpoiledWriter } from './spoiled-writer.ts';

export const openEmitter = ({
  writer,
  source: { topic, partitions, hourMillis },
  encode,
}: {
  readonly writer: Pick<SpoiledWriter, 'append'>;
  readonly source: Source;
  readonly encode: (event: UsageEvent) => Buffer;
}) => {
  return Promise.resolve({
    emit: async (usage: readonly Usage[]): Promise<void> => {
      const batches = new Map<number, NewRecord[]>();
      for (const each of usage) {
        const key = resourceKey(each.resourceUri);
        const partition = partitionOfKey(key, partitions);
        const events = eventsOfUsage(each, hourMillis);
        if (!events.ok) throw new Error(JSON.stringify(events.error));
        const batch = batches.get(partition) ?? [];
        batch.push(...events.value.map((event) => ({ key, value: encode(event) })));
        batches.set(partition, batch);
      }
      for (const [partition, records] of batches)
        await writer.append({ topic, partition }, records);
    },
    close: () => Promise.resolve(),
  });
};
