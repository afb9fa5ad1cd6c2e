import { Partitioners } from 'kafkajs';
import { partitionOfKey } from '../../shared/model/placement.ts';
import {
  KNOWN_PARTITIONERS,
  recognisePartitioner,
  type KnownPartitioner,
  type Placement,
} from './partitioners.ts';

const keyOf = (n: number): Buffer =>
  Buffer.from(
    `/subscriptions/s/providers/microsoft.compute/virtualmachines/vm-${String(n)}/disks/os`,
  );

const named = (name: string): KnownPartitioner => {
  const found = KNOWN_PARTITIONERS.find((partitioner) => partitioner.name === name);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
};

/** Where real clients have put the keys 0 to 19 on the seven partitions of a topic. */
test.each([
  // confluent-kafka 2.16 (librdkafka 2.16) with its default, as kafka-go 0.4 with its CRC32Balancer
  ['crc32', [2, 6, 6, 5, 4, 5, 6, 0, 0, 2, 6, 5, 4, 3, 6, 3, 3, 2, 4, 5]],
  // librdkafka with fnv1a_random, Sarama 1.61 with NewHashPartitioner, kafka-go with Hash
  ['fnv1a', [4, 1, 0, 0, 6, 0, 4, 0, 2, 0, 4, 6, 0, 6, 1, 6, 3, 6, 3, 5]],
  // Sarama with NewReferenceHashPartitioner, kafka-go with ReferenceHash
  ['fnv1a-reference', [5, 1, 2, 0, 6, 2, 5, 2, 0, 0, 5, 3, 2, 6, 1, 3, 6, 6, 3, 5]],
  // @platformatic/kafka 1.35 with its default
  ['murmur2-unsigned', [3, 5, 1, 6, 0, 1, 4, 6, 2, 1, 0, 2, 3, 5, 4, 2, 5, 5, 3, 5]],
])('%s puts keys where the real clients do', (name, places) => {
  expect(places.map((_, n) => named(name).partitionOf(keyOf(n), 7))).toEqual(places);
});

test('kafkajs’s legacy partitioner is imitated for every length of key', () => {
  const legacy = Partitioners.LegacyPartitioner();
  const partitionMetadata = Array.from({ length: 12 }, (_, partitionId) => ({
    ...{
      partitionErrorCode: 0,
      partitionId,
      leader: 0,
      replicas: [],
      isr: [],
      offlineReplicas: [],
    },
  }));
  const keys = Array.from({ length: 400 }, (_, n) =>
    Buffer.from(`${'é/'.repeat(n % 30)}${String(n)}`),
  );
  const message = (key: Buffer) => ({ key, value: null });
  expect(keys.map((key) => named('murmur2-inexact').partitionOf(key, 12))).toEqual(
    keys.map((key) => legacy({ topic: 't', partitionMetadata, message: message(key) })),
  );
});

test('murmur2 puts keys where librdkafka does with murmur2_random', () => {
  const places = [1, 5, 6, 6, 0, 1, 4, 4, 0, 6, 0, 0, 1, 3, 4, 0, 3, 5, 1, 3];
  expect(places.map((_, n) => partitionOfKey(keyOf(n), 7))).toEqual(places);
});

/** The records of a client that become dead letters. */
const misplacedBy = (
  place: (key: Buffer, n: number) => number,
  partitions: number,
  records = 100,
): readonly Placement[] =>
  Array.from({ length: records }, (_, n) => ({
    key: keyOf(n),
    partition: place(keyOf(n), n),
  })).filter(({ key, partition }) => partition !== partitionOfKey(key, partitions));

test.each(KNOWN_PARTITIONERS.map(({ name }) => name))(
  'a client with %s is recognised, also where a few records are somebody else’s',
  (name) => {
    const partitions = 6; // murmur2 without its sign differs from ours only where this is no power of two
    const placements = misplacedBy((key) => named(name).partitionOf(key, partitions), partitions);
    const others = placements.slice(0, 3).map(({ key, partition }) => ({
      key,
      partition: (partition + 1) % partitions,
    }));
    const found = recognisePartitioner([...placements, ...others], partitions);
    expect(found?.partitioner?.name).toBe(name);
    expect(found?.agreeing).toBeGreaterThanOrEqual(placements.length);
  },
);

test('a client that places in turn is no partitioner that we know', () => {
  const placements = misplacedBy((_, n) => n % 2, 2);
  expect(recognisePartitioner(placements, 2)).toEqual({
    partitioner: null,
    keys: placements.length,
    agreeing: 0,
  });
});

test('of two clients with other partitioners, the larger is named, not a client that ignores the key', () => {
  const partitions = 3;
  const first = misplacedBy((key) => named('crc32').partitionOf(key, partitions), partitions, 300);
  const second = misplacedBy((key) => named('fnv1a').partitionOf(key, partitions), partitions, 200);
  const found = recognisePartitioner([...first, ...second], partitions);
  expect(found?.partitioner?.name).toBe('crc32');
  expect(found?.keys).toBe(first.length + second.length);
  expect(found?.agreeing).toBeLessThan(first.length + second.length);
});

test('a few keys prove nothing: on two partitions half of them agree by chance', () => {
  const placements = misplacedBy((key) => named('crc32').partitionOf(key, 2), 2);
  expect(recognisePartitioner(placements.slice(0, 9), 2)).toBeNull();
  expect(recognisePartitioner(placements.slice(0, 10), 2)?.partitioner?.name).toBe('crc32');
  expect(recognisePartitioner([], 2)).toBeNull();
});
