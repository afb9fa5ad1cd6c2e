import type { RawUsageEvent } from '../../shared/avro/usage-event-codec.ts';
import { unframe } from '../../shared/avro/wire-format.ts';
import type { DeadLetterCode } from '../../shared/dead-letter.ts';
import { isCanonicalDecimal, QUANTITY_LIMIT, quantityFromBytes } from '../../shared/decimal.ts';
import {
  asciiLower,
  namespaceOf,
  partitionOfKey,
  resourceKey,
  subscriptionOf,
} from '../../shared/placement.ts';
import { hourOf, isoText, millis, type Millis } from '../../shared/time.ts';
import { contentDigest } from './content-digest.ts';
import type { ActiveRules, Knowledge } from './knowledge.ts';
import type { LogRecord } from '../../shared/log-record.ts';
import type { Candidate, Place, Verdict } from './verdict.ts';

const MAX_IDENTITY_BYTES = 1024;

/**
 * Judges a record by itself, the rules in force and its reported time; the first line that fits
 * decides:
 *
 * | what is wrong                                              | code                  |
 * |------------------------------------------------------------|-----------------------|
 * | not byte 0 and a schema id                                 | `malformed`           |
 * | a schema id that the rules do not accept                   | `unknown-schema`      |
 * | not one whole Avro datum                                   | `malformed`           |
 * | text that is not UTF-8, or a NUL in an identity            | `invalid-text`        |
 * | subscription, meter or resource of 0 or over 1,024 bytes   | `invalid-identity`    |
 * | start not before end                                       | `invalid-period`      |
 * | not inside one hour                                        | `spans-hours`         |
 * | start after the reported time                              | `in-future`           |
 * | start longer before the reported time than maxUsageAge     | `too-old`             |
 * | quantity not in its shortest form, or over 32 bytes        | `invalid-quantity`    |
 * | quantity below 0                                           | `negative-quantity`   |
 * | quantity of 10^15 or more                                  | `quantity-too-large`  |
 * | key other than the resource in lower case                  | `wrong-key`           |
 * | partition other than the key's                             | `wrong-partition`     |
 * | a namespace that this topic does not serve                 | `wrong-provider`      |
 * | a resource of another subscription                         | `wrong-subscription`  |
 */
export const classify = (
  record: LogRecord,
  place: Place,
  active: ActiveRules,
  reportedTime: Millis,
  knowledge: Knowledge,
): Verdict => {
  const framed = record.value && unframe(record.value);
  if (!framed) return refusal('malformed', 'it is not in the Confluent wire format');
  const decode = active.schemaIds.has(framed.schemaId) && knowledge.decoders.get(framed.schemaId);
  if (!decode) {
    return refusal('unknown-schema', `schema id ${String(framed.schemaId)} is not accepted here`);
  }
  const decoded = decode(framed.datum);
  if (!decoded.ok) return refusal(decoded.code, decoded.message);
  const { event } = decoded;
  return (
    identityRefusal(event) ??
    timeRefusal(event, active, reportedTime) ??
    quantityRefusal(event.quantity) ??
    placementRefusal(event, record.key, place, active) ?? {
      kind: 'candidate',
      candidate: candidateOf(event, active.rules.hourMillis),
    }
  );
};

const refusal = (code: DeadLetterCode, message: string): Verdict => ({
  kind: 'dead-letter',
  code,
  message,
});

const candidateOf = (event: RawUsageEvent, hourMillis: number): Candidate => {
  const keys = {
    subscriptionKey: asciiLower(event.subscriptionId),
    meterKey: asciiLower(event.meterId),
    resourceKey: resourceKey(event.resourceUri),
  };
  return {
    event,
    ...keys,
    quantity: quantityFromBytes(event.quantity),
    usageHour: hourOf(event.usageStartTime, hourMillis),
    digest: contentDigest(event, keys),
  };
};

const identityRefusal = (event: RawUsageEvent): Verdict | null => {
  for (const field of ['subscriptionId', 'meterId', 'resourceUri'] as const) {
    const text = event[field];
    if (text.includes('\0')) return refusal('invalid-text', `${field} holds a NUL character`);
    const length = Buffer.byteLength(text, 'utf8');
    if (length === 0 || length > MAX_IDENTITY_BYTES) {
      return refusal(
        'invalid-identity',
        `${field} has ${String(length)} bytes, allowed are 1 to 1,024`,
      );
    }
  }
  return null;
};

const timeRefusal = (
  event: RawUsageEvent,
  { rules }: ActiveRules,
  reportedTime: Millis,
): Verdict | null => {
  const { usageStartTime: start, usageEndTime: end } = event;
  if (start >= end) return refusal('invalid-period', 'the usage does not start before it ends');
  if (hourOf(start, rules.hourMillis) !== hourOf(millis(end - 1), rules.hourMillis)) {
    return refusal('spans-hours', 'the usage is not inside one UTC hour');
  }
  if (start > reportedTime) {
    return refusal(
      'in-future',
      `the usage starts after its reported time ${isoText(reportedTime)}`,
    );
  }
  if (reportedTime - start > rules.maxUsageAgeMillis) {
    const days = String(rules.maxUsageAgeMillis / 86_400_000);
    return refusal(
      'too-old',
      `the usage started over ${days} days before ${isoText(reportedTime)}`,
    );
  }
  return null;
};

const quantityRefusal = (bytes: Uint8Array): Verdict | null => {
  if (!isCanonicalDecimal(bytes)) {
    return refusal(
      'invalid-quantity',
      `a decimal of ${String(bytes.length)} bytes that is not in its shortest form of 1 to 32 bytes`,
    );
  }
  const quantity = quantityFromBytes(bytes);
  if (quantity < 0n) return refusal('negative-quantity', 'the quantity is below zero');
  if (quantity >= QUANTITY_LIMIT)
    return refusal('quantity-too-large', 'the quantity is 10^15 or more');
  return null;
};

const placementRefusal = (
  event: RawUsageEvent,
  key: Buffer | null,
  place: Place,
  active: ActiveRules,
): Verdict | null => {
  const expectedKey = resourceKey(event.resourceUri);
  if (key?.toString('utf8') !== expectedKey) {
    return refusal('wrong-key', 'the key is not the resource URI in lower case');
  }
  const partition = partitionOfKey(expectedKey, place.source.partitions);
  if (partition !== place.partition) {
    return refusal('wrong-partition', `this resource belongs on partition ${String(partition)}`);
  }
  if (active.namespaces !== null) {
    const namespace = namespaceOf(event.resourceUri);
    if (namespace === null || !active.namespaces.has(namespace)) {
      return refusal(
        'wrong-provider',
        `this topic does not serve ${namespace ?? 'a resource without provider'}`,
      );
    }
  }
  const subscription = subscriptionOf(event.resourceUri);
  if (subscription === null || asciiLower(subscription) !== asciiLower(event.subscriptionId)) {
    return refusal(
      'wrong-subscription',
      `the resource is not in subscription ${event.subscriptionId}`,
    );
  }
  return null;
};
