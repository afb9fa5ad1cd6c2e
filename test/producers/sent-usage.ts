import { readSchemaDirectory } from '../../services/shared/avro/schema-directory.ts';
import { usageEventEncoder } from '../../services/shared/avro/usage-event-codec.ts';
import { eventsOfUsage } from '../../services/provider-sdk/events-of-usage.ts';
import type { Usage } from '../../services/provider-sdk/usage.ts';
import type { PartitionLog } from '../support/workload/read-log.ts';
import { CONTROL_HEADER } from '../../services/shared/model/control-record.ts';
import { partitionOfKey, resourceKey } from '../../services/shared/model/placement.ts';
import { HOUR_MILLIS, hourOf, isoText, millis } from '../../services/shared/model/time.ts';
import type { UsageEvent } from '../../services/shared/model/usage-event.ts';

const SUBSCRIPTION = '0f723db3-b972-4e48-9aaa-614b04457bf2';

/** Usage of some machines in the last two hours: one event in each. */
export const usageOf = (name: string, machines: number): readonly Usage[] => {
  const end = hourOf(millis(Date.now()), HOUR_MILLIS);
  return Array.from({ length: machines }, (_, n) => ({
    subscriptionId: n % 2 === 0 ? SUBSCRIPTION : SUBSCRIPTION.toUpperCase(),
    resourceUri: `/subscriptions/${SUBSCRIPTION}/resourceGroups/Größe-İ/providers/Microsoft.Compute/virtualMachines/${name}-${String(n)}`,
    meterId: 'FAB6EB84-500B-4A09-A8CA-7358F8BBAEA5',
    from: isoText(millis(end - 1.5 * HOUR_MILLIS - n)),
    to: isoText(end),
    quantity: `${String(n)}.000000000000000000000000000001`,
    location: 'local',
    tags: n % 3 === 0 ? null : `{"n":"${String(n)}", "name": "Zürich <&>"}`,
    ...(n % 5 === 0 && { discriminator: 'ä"\\' }),
  }));
};

export const linesOf = (usage: readonly Usage[]): string =>
  usage.map((each) => `${JSON.stringify(each)}\n`).join('');

/** The events of the SDK for the same usage. */
export const eventsOf = (usage: readonly Usage[]): readonly UsageEvent[] =>
  usage.flatMap((each) => {
    const events = eventsOfUsage(each);
    if (!events.ok) throw new Error(JSON.stringify(events.error));
    return events.value;
  });

const encode = usageEventEncoder(readSchemaDirectory());

const nameOf = (partition: number, key: string, value: Buffer): string =>
  `${String(partition)} ${key} ${value.toString('hex')}`;

/** What the SDK would have written to a topic: each record, on its partition, and how many times. */
export const expectedRecords = (
  events: readonly UsageEvent[],
  partitions: number,
  times: number,
): readonly string[] =>
  events
    .flatMap((event) => {
      const key = resourceKey(event.resourceUri);
      const name = nameOf(partitionOfKey(key, partitions), key, encode(event));
      return Array.from({ length: times }, () => name);
    })
    .sort();

/** The records that are there. */
export const recordsIn = (logs: readonly PartitionLog[]): readonly string[] =>
  logs
    .flatMap(({ partition, records }) =>
      records
        .filter(({ headers }) => headers[CONTROL_HEADER] === undefined)
        .map(({ key, value }) =>
          nameOf(partition, key?.toString('utf8') ?? '', value ?? Buffer.alloc(0)),
        ),
    )
    .sort();
