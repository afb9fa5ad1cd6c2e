import { crc32 } from 'node:zlib';
import { murmur2 } from '../../shared/model/placement.ts';

/** A partitioner other than ours, and the clients that use it. */
export interface KnownPartitioner {
  readonly name: 'crc32' | 'fnv1a' | 'fnv1a-reference' | 'murmur2-unsigned';
  /** For the sentence "… where this one puts them: ". */
  readonly what: string;
  /** The setting to change in such a client. */
  readonly setting: string;
  readonly partitionOf: (key: Uint8Array, partitions: number) => number;
}

/** 32-bit FNV-1a, as a signed integer. */
const fnv1a = (key: Uint8Array): number => {
  let hash = 0x811c9dc5 | 0;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
};

/** Sources: librdkafka's CONFIGURATION.md and rdkafka_msg.c, Sarama's partitioner.go, @platformatic/kafka. */
export const KNOWN_PARTITIONERS: readonly KnownPartitioner[] = [
  {
    name: 'crc32',
    what: 'CRC-32, the default of librdkafka (confluent-kafka, rdkafka, node-rdkafka)',
    setting: 'partitioner=murmur2_random',
    partitionOf: (key, partitions) => crc32(key) % partitions,
  },
  {
    name: 'fnv1a',
    what: 'FNV-1a, the default of Sarama and the Hash balancer of kafka-go',
    setting:
      'a murmur2 partitioner (kafka-go: Balancer: kafka.Murmur2Balancer{}; Sarama: Producer.Partitioner with one of your own)',
    partitionOf: (key, partitions) => Math.abs(fnv1a(key) % partitions),
  },
  {
    name: 'fnv1a-reference',
    what: 'FNV-1a without its sign, the reference hash of Sarama and kafka-go',
    setting:
      'a murmur2 partitioner (kafka-go: Balancer: kafka.Murmur2Balancer{}; Sarama: Producer.Partitioner with one of your own)',
    partitionOf: (key, partitions) => (fnv1a(key) & 0x7fffffff) % partitions,
  },
  {
    name: 'murmur2-unsigned',
    what: 'murmur2 with all its 32 bits, the default of @platformatic/kafka',
    setting: 'partitioner: compatibilityPartitioner',
    partitionOf: (key, partitions) => (murmur2(key) >>> 0) % partitions,
  },
];

/** The place of a record that belongs on another partition. */
export interface Placement {
  readonly key: Uint8Array;
  readonly partition: number;
}

export interface Recognition {
  /** Null if no known partitioner explains the places. */
  readonly partitioner: KnownPartitioner | null;
  /** The number of different keys examined, and how many are where the partitioner puts them. */
  readonly keys: number;
  readonly agreeing: number;
}

/** Bits of agreement that rule out chance: one in a thousand. */
const ENOUGH_BITS = 10;
/** A few records may come from another client. */
const NEARLY_ALL = 0.9;

/**
 * Finds out which partitioner a client uses, from its records on wrong partitions. An unrelated partitioner
 * agrees with one key in `partitions` by chance, so a few keys prove nothing. Each pair of key and
 * partition must be given once. Returns null if there are too few.
 */
export const recognisePartitioner = (
  placements: readonly Placement[],
  partitions: number,
): Recognition | null => {
  const keys = placements.length;
  if (keys * Math.log2(partitions) < ENOUGH_BITS) return null;
  const found = KNOWN_PARTITIONERS.map((partitioner) => ({
    partitioner,
    keys,
    agreeing: placements.filter(
      ({ key, partition }) => partitioner.partitionOf(key, partitions) === partition,
    ).length,
  })).sort((a, b) => b.agreeing - a.agreeing);
  const [best] = found;
  return best && best.agreeing >= keys * NEARLY_ALL
    ? best
    : { partitioner: null, keys, agreeing: 0 };
};
