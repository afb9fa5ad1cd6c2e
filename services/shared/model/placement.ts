import type { Identity } from './event-texts.ts';

/**
 * Where a resource's usage lives: on one partition of one live source. Providers place records by these
 * functions and the aggregator checks the placement, because deduplication and billing identity are right
 * only while a resource never changes its partition.
 */

/**
 * Identity ignores the case of ASCII letters only, as ClickHouse's `lower()` does. Nearly every text is
 * printable ASCII: lowering it as a whole takes a third of the time.
 */
export const asciiLower = (text: string): string =>
  /^[ -~]*$/.test(text)
    ? text.toLowerCase()
    : text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** The Kafka key of a resource's records. */
export const resourceKey = (resourceUri: string): string => asciiLower(resourceUri);

/** The keys of what was written by these names: the same ones for every spelling. */
export const identityKeys = (
  written: Identity,
): {
  readonly subscriptionKey: string;
  readonly meterKey: string;
  readonly resourceKey: string;
} => ({
  subscriptionKey: asciiLower(written.subscriptionId),
  meterKey: asciiLower(written.meterId),
  resourceKey: resourceKey(written.resourceUri),
});

/** The partition of a key: murmur2 of its UTF-8 bytes, as in Kafka's default partitioner. */
export const partitionOfKey = (key: string | Uint8Array, partitions: number): number =>
  (murmur2(typeof key === 'string' ? Buffer.from(key, 'utf8') : key) & 0x7fffffff) % partitions;

/**
 * The resource provider's namespace in lower case: the segment after the first `/providers/`. Null if the
 * URI has none.
 */
export const namespaceOf = (resourceUri: string): string | null =>
  asciiLower(/\/providers\/([^/]*)/i.exec(resourceUri)?.[1] ?? '') || null;

/** The subscription of a resource URI, as written; null if it does not name one. */
export const subscriptionOf = (resourceUri: string): string | null =>
  /^\/subscriptions\/([^/]+)/i.exec(resourceUri)?.[1] ?? null;

/** Looked up once: under Jest, each access to a global costs more than all the rest. */
const { imul } = Math;

/**
 * Murmur2 with Kafka's seed, as a signed 32-bit integer.
 * Source: `org.apache.kafka.common.utils.Utils.murmur2`.
 */
export const murmur2 = (data: Uint8Array): number => {
  const length = data.length;
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ length;
  const body = length & ~3;
  for (let i = 0; i < body; i += 4) {
    let k =
      (data[i] ?? 0) |
      ((data[i + 1] ?? 0) << 8) |
      ((data[i + 2] ?? 0) << 16) |
      ((data[i + 3] ?? 0) << 24);
    k = imul(k, m);
    k ^= k >>> 24;
    k = imul(k, m);
    h = imul(h, m) ^ k;
  }
  const tail = length & 3;
  if (tail >= 3) h ^= (data[body + 2] ?? 0) << 16;
  if (tail >= 2) h ^= (data[body + 1] ?? 0) << 8;
  if (tail >= 1) {
    h ^= data[body] ?? 0;
    h = imul(h, m);
  }
  h ^= h >>> 13;
  h = imul(h, m);
  h ^= h >>> 15;
  return h;
};
