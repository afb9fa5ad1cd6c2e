import type { LogWriter } from '../../shared/kafka/log-writer.ts';
import type { NewRecord } from '../../shared/kafka/new-record.ts';
import { namespaceOf, partitionOfKey, resourceKey } from '../../shared/model/placement.ts';
import type { Source } from '../../shared/model/source.ts';
import type { UsageEvent } from '../../shared/model/usage-event.ts';
import type { SimulatedResource } from '../simulated-cloud/cloud.ts';
import { usageOf } from '../simulated-cloud/hourly-usage.ts';
import type { Part, Parts } from './reporting-clock.ts';

/** Reports what the resources of one source consume. */
export class UsageReporter {
  private readonly source: Source;
  private readonly served: readonly SimulatedResource[];
  private readonly clock: Parts;
  private readonly encode: (event: UsageEvent) => Buffer;
  private readonly writer: LogWriter;
  /** The number of written events. */
  reported = 0;

  constructor(
    source: Source,
    cloud: readonly SimulatedResource[],
    clock: Parts,
    encode: (event: UsageEvent) => Buffer,
    writer: LogWriter,
  ) {
    this.source = source;
    this.served = cloud.filter(({ resourceUri }) =>
      source.namespaces.includes(namespaceOf(resourceUri) ?? ''),
    );
    this.clock = clock;
    this.encode = encode;
    this.writer = writer;
  }

  get resources(): number {
    return this.served.length;
  }

  /** Ids depend only on what was consumed, so a report that is sent again counts once. */
  async report({ hour, n }: Part): Promise<void> {
    const { topic, partitions } = this.source;
    const records = new Map<number, NewRecord[]>();
    for (const resource of this.served) {
      const key = resourceKey(resource.resourceUri);
      const partition = partitionOfKey(key, partitions);
      const into = records.get(partition) ?? [];
      for (const event of usageOf(resource, hour, this.clock, n)) {
        into.push({ key, value: this.encode(event) });
      }
      records.set(partition, into);
    }
    for (const [partition, batch] of records) {
      await this.writer.append({ topic, partition }, batch);
      this.reported += batch.length;
    }
  }
}
