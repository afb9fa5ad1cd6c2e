import { crc32 } from 'node:zlib';
import { murmur2 } from '../../shared/model/placement.ts';

/** A partitioner other than ours, and the clients that use it. */
export interface KnownPartitioner {
  readonly name: 'crc32' | 'fnv1a' | 'fnv1a-reference' | 'murmur2-unsigned' | 'murmur2-inexact';
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

/**
 * Murmur2 as the first version of kafkajs computes it: products are not cut to 32 bits, but rounded to 53 by
 * floating point, and the last bytes are mixed in twice if they are not four.
 */
const inexactMurmur2 = (key: Uint8Array): number => {
  const factor = 0x5bd1e995;
  const at = (index: number): number => key[index] ?? 0;
  let hash = 0x9747b28c ^ key.length;
  for (let n = 0; n < key.length; n += 4) {
    let word = at(n) + (at(n + 1) << 8) + (at(n + 2) << 16) + (at(n + 3) << 24);
    word *= factor;
    word ^= word >>> 24;
    word *= factor;
    hash = (hash * factor) ^ word;
  }
  const rest = key.length % 4;
  const end = key.length - rest;
  if (rest === 3) hash ^= at(end + 2) << 16;
  if (rest >= 2) hash ^= at(end + 1) << 8;
  if (rest >= 1) hash = (hash ^ at(end)) * factor;
  hash ^= hash >>> 13;
  hash *= factor;
  return hash ^ (hash >>> 15);
};

/** Sources: librdkafka's CONFIGURATION.md and rdkafka_msg.c, Sarama's partitioner.go, @platformatic/kafka, kafkajs, KafkaEx, ruby-kafka. */
export const KNOWN_PARTITIONERS: readonly KnownPartitioner[] = [
  {
    name: 'crc32',
    what: 'CRC-32, the default of librdkafka (confluent-kafka, rdkafka, node-rdkafka) and of ruby-kafka',
    setting:
      'partitioner=murmur2_random (ruby-kafka: partitioner: Kafka::Partitioner.new(hash_function: :murmur2))',
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
    what: 'murmur2 with all its 32 bits, the default of @platformatic/kafka and of KafkaEx before 1.0',
    setting:
      'partitioner: compatibilityPartitioner (KafkaEx: partitioner: KafkaEx.Producer.Partitioner.Default)',
    partitionOf: (key, partitions) => (murmur2(key) >>> 0) % partitions,
  },
  {
    name: 'murmur2-inexact',
    what: 'murmur2 with rounded products, the default of kafkajs 1 and the LegacyPartitioner of kafkajs 2',
    setting:
      'createPartitioner: Partitioners.DefaultPartitioner (kafkajs 1: Partitioners.JavaCompatiblePartitioner)',
    partitionOf: (key, partitions) => (inexactMurmur2(key) & 0x7fffffff) % partitions,
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
/** How far above chance agreement must be, in standard deviations, if more than a few do. */
const FAR_ABOVE_CHANCE = 5;

/** Whether so many of the keys agree that it cannot be chance, although others do not agree. */
const isFarAboveChance = (agreeing: number, keys: number, partitions: number): boolean => {
  const chance = 1 / partitions;
  const deviation = Math.sqrt(keys * chance * (1 - chance));
  return agreeing > keys * chance + FAR_ABOVE_CHANCE * deviation;
};

/**
 * Finds out which partitioner a client uses, from its records on wrong partitions. An unrelated partitioner
 * agrees with one key in `partitions` by chance, so a few keys prove nothing. Of several clients, the one
 * with the most keys is found. Each pair of key and partition must be given once. Returns null if there are
 * too few.
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
  return best &&
    (best.agreeing >= keys * NEARLY_ALL || isFarAboveChance(best.agreeing, keys, partitions))
    ? best
    : { partitioner: null, keys, agreeing: 0 };
};
