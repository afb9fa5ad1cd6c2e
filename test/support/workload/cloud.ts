import type { Meter } from '../../../services/shared/meters/meter-catalog.ts';
import {
  asciiLower,
  namespaceOf,
  partitionOfKey,
  resourceKey,
} from '../../../services/shared/model/placement.ts';
import type { WorkloadTopic } from './emission.ts';
import type { Random } from './random.ts';

/** A resource of the simulated cloud, on the one topic that serves it. */
export interface CloudResource {
  readonly topic: WorkloadTopic;
  readonly subscriptionId: string;
  readonly resourceUri: string;
  readonly namespace: string;
  readonly key: Buffer;
  readonly partition: number;
  readonly location: string;
  readonly tags: string | null;
  readonly additionalInfo: string | null;
  /** What it consumes. */
  readonly meterIds: readonly string[];
}

export interface CloudSize {
  readonly tenants: number;
  readonly resourcesPerTenant: number;
}

const LOCATIONS = ['local', 'northwest', 'redmond', 'Zürich'];

/** Azure sends all of these; the first four must stay apart. */
const OPTIONAL_TEXTS = [
  null,
  '',
  'null',
  '{"Environment":"test","owner":"Ann"}',
  '{"ServiceType":"Standard_D2s_v3","note":"line\\nbreak, \\u00e9 and é"}',
];

/** A meter that no catalog has: it is counted like any other. */
const UNKNOWN_METER = 'a7c5e0f4-0000-4b6e-9d3c-5f1e2d3c4b5a';

const guid = (random: Random): string => {
  const hex = random.bytes(16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
};

/** Every topic gets its resources: a topic's tenants are those of all the others. */
export const simulateCloud = (
  random: Random,
  topics: readonly WorkloadTopic[],
  { tenants, resourcesPerTenant }: CloudSize,
  meters: readonly Meter[],
): ReadonlyMap<WorkloadTopic, readonly CloudResource[]> => {
  const subscriptions = Array.from({ length: tenants }, () => guid(random));
  const providers = [...new Set(meters.map((meter) => meter.resourceProvider))];
  const resources = new Map<WorkloadTopic, CloudResource[]>(topics.map((topic) => [topic, []]));
  for (const subscriptionId of subscriptions) {
    for (let n = 0; n < resourcesPerTenant; n++) {
      // The first resources of a tenant go one to each topic, so that none is left without.
      const topic = n < topics.length ? topics[n % topics.length] : random.pick(topics);
      if (!topic) continue;
      const served = topic.namespaces.includes('*') ? providers : topic.namespaces;
      const namespace = random.pick(served);
      const owned = newResource(random, topic, subscriptionId, namespace, meters, n);
      resources.get(topic)?.push(owned);
    }
  }
  return resources;
};

const newResource = (
  random: Random,
  topic: WorkloadTopic,
  subscriptionId: string,
  namespace: string,
  meters: readonly Meter[],
  n: number,
): CloudResource => {
  const own = meters.filter(
    (meter) => asciiLower(meter.resourceProvider) === asciiLower(namespace),
  );
  const name = `${random.pick(['vm', 'SA', 'ip', 'größe'])}${String(n)}`;
  const resourceUri =
    `/subscriptions/${subscriptionId}/resourceGroups/RG-${random.bytes(2).toString('hex')}` +
    `/providers/${own[0]?.resourceProvider ?? namespace}/things/${name}`;
  const key = resourceKey(resourceUri);
  const meterIds = Array.from({ length: 1 + random.below(3) }, () =>
    own.length === 0 || random.chance(0.02) ? UNKNOWN_METER : random.pick(own).meterId,
  );
  return {
    topic,
    subscriptionId,
    resourceUri,
    namespace: namespaceOf(resourceUri) ?? '',
    key: Buffer.from(key, 'utf8'),
    partition: partitionOfKey(key, topic.partitions),
    location: random.pick(LOCATIONS),
    tags: random.pick(OPTIONAL_TEXTS),
    additionalInfo: random.pick(OPTIONAL_TEXTS),
    meterIds,
  };
};
