import { ATTRIBUTES, IDENTITY, type Identity } from './event-texts.ts';
import type { RawUsageEvent } from './usage-event.ts';
import type { DeadLetterCode } from './dead-letter.ts';
import { isCanonicalDecimal, QUANTITY_LIMIT, quantityFromBytes, type Quantity } from './decimal.ts';
import {
  asciiLower,
  namespaceOf,
  partitionOfKey,
  resourceKey,
  subscriptionOf,
} from './placement.ts';
import { DAY_MILLIS, isoText, type Millis } from './time.ts';

/**
 * Why an event cannot be counted. The aggregator refuses events by these functions, and writers of events
 * may call them first. A change in meaning needs a new fold version (see `rules.ts`).
 */
export interface EventProblem {
  readonly code: DeadLetterCode;
  readonly message: string;
}

export interface TimeLimits {
  readonly hourMillis: number;
  readonly maxUsageAgeMillis: number;
}

/** The partition that a record is on or will be written to. */
export interface Target {
  readonly partition: number;
  /** The number of partitions of its topic. */
  readonly partitions: number;
  /** In lower case; null if the topic serves all. */
  readonly namespaces: ReadonlySet<string> | null;
}

export const MAX_IDENTITY_BYTES = 1024;

/**
 * Characters that no identity may contain: control characters, line and paragraph separators, and unpaired
 * surrogates. Commerce refuses them for good, so usage under such a name could be counted but never billed.
 */
const UNFIT_CHARACTER = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u;

const problem = (code: DeadLetterCode, message: string): EventProblem => ({ code, message });

/**
 * What is wrong with the values of an event reported at this time; null if nothing is. For a redriven
 * event, its age is measured at the time when it was first reported. An adjustment may be of any age, and
 * below zero.
 */
export const valueProblem = (
  event: RawUsageEvent,
  limits: TimeLimits,
  reportedTime: Millis,
  firstReportedTime: Millis = reportedTime,
  isAdjustment = false,
): EventProblem | null =>
  identityProblem(event) ??
  textProblem(event) ??
  timeProblem(event, limits, reportedTime) ??
  (isAdjustment ? null : ageProblem(event, limits, firstReportedTime)) ??
  quantityProblem(event.quantity, isAdjustment);

/** What is wrong with its subscription, meter or resource; null if nothing is. */
export const identityProblem = (event: Identity): EventProblem | null => {
  for (const { name } of IDENTITY) {
    const found = nameProblem(name, event[name]);
    if (found) return found;
  }
  return null;
};

/** What is wrong with one of them. */
export const nameProblem = (field: keyof Identity, text: string): EventProblem | null => {
  const unfit = UNFIT_CHARACTER.exec(text)?.[0].codePointAt(0);
  if (unfit !== undefined) {
    const name = unfit.toString(16).toUpperCase().padStart(4, '0');
    return problem('invalid-text', `${field} holds the character U+${name}: no name may`);
  }
  const length = Buffer.byteLength(text, 'utf8');
  if (length === 0 || length > MAX_IDENTITY_BYTES) {
    return problem(
      'invalid-identity',
      `${field} has ${String(length)} bytes, allowed are 1 to 1,024`,
    );
  }
  return null;
};

const textProblem = (event: RawUsageEvent): EventProblem | null => {
  for (const attribute of ATTRIBUTES) {
    const found = attributeProblem(attribute, event[attribute.name]);
    if (found) return found;
  }
  return null;
};

/** What is wrong with one of the attributes. */
export const attributeProblem = (
  { name, maxBytes }: (typeof ATTRIBUTES)[number],
  text: string | null,
): EventProblem | null =>
  text !== null && text.length * 3 > maxBytes && Buffer.byteLength(text, 'utf8') > maxBytes
    ? problem('text-too-long', `${name} has over ${maxBytes.toLocaleString('en')} bytes`)
    : null;

const timeProblem = (
  event: RawUsageEvent,
  limits: TimeLimits,
  reportedTime: Millis,
): EventProblem | null => {
  const { usageStartTime: start, usageEndTime: end } = event;
  if (start >= end) return problem('invalid-period', 'the usage does not start before it ends');
  if (end > endOfHour(start, BigInt(limits.hourMillis))) {
    return problem('spans-hours', 'the usage is not inside one UTC hour');
  }
  if (start > reportedTime) {
    return problem(
      'in-future',
      `the usage starts after its reported time ${isoText(reportedTime)}`,
    );
  }
  return null;
};

const ageProblem = (
  { usageStartTime: start }: RawUsageEvent,
  limits: TimeLimits,
  firstReportedTime: Millis,
): EventProblem | null => {
  if (start >= firstReportedTime - limits.maxUsageAgeMillis) return null;
  const days = String(limits.maxUsageAgeMillis / DAY_MILLIS);
  return problem(
    'too-old',
    `the usage started over ${days} days before ${isoText(firstReportedTime)}`,
  );
};

const endOfHour = (instant: bigint, hourMillis: bigint): bigint => {
  const into = instant % hourMillis; // negative before 1970
  return instant - into + (into < 0n ? 0n : hourMillis);
};

const quantityProblem = (bytes: Uint8Array, isAdjustment: boolean): EventProblem | null => {
  if (!isCanonicalDecimal(bytes)) {
    return problem(
      'invalid-quantity',
      `a decimal of ${String(bytes.length)} bytes that is not in its shortest form of 1 to 32 bytes`,
    );
  }
  return amountProblem(quantityFromBytes(bytes), isAdjustment);
};

/** What is wrong with the amount that a quantity says. */
export const amountProblem = (quantity: Quantity, isAdjustment = false): EventProblem | null => {
  if (quantity < 0n && !isAdjustment) {
    return problem('negative-quantity', 'the quantity is below zero');
  }
  if (quantity >= QUANTITY_LIMIT || quantity <= 0n - QUANTITY_LIMIT) {
    const limit = quantity < 0n ? '-10^15 or less' : '10^15 or more';
    return problem('quantity-too-large', `the quantity is ${limit}`);
  }
  return null;
};

/** Why a record with this key does not belong on this partition of this topic; null if it does. */
export const placementProblem = (
  event: Pick<Identity, 'resourceUri' | 'subscriptionId'>,
  key: Uint8Array | null,
  target: Target,
): EventProblem | null => {
  const expectedKey = resourceKey(event.resourceUri);
  if (key === null || !Buffer.from(expectedKey, 'utf8').equals(key)) {
    return problem('wrong-key', 'the key is not the resource URI in lower case');
  }
  const partition = partitionOfKey(expectedKey, target.partitions);
  if (partition !== target.partition) {
    return problem('wrong-partition', `this resource belongs on partition ${String(partition)}`);
  }
  if (target.namespaces !== null) {
    const namespace = namespaceOf(event.resourceUri);
    if (namespace === null || !target.namespaces.has(namespace)) {
      return problem(
        'wrong-provider',
        `this topic does not serve ${namespace ?? 'a resource without provider'}`,
      );
    }
  }
  return subscriptionProblem(event);
};

/** Why a resource does not belong to the subscription of its usage; null if it does. */
export const subscriptionProblem = (
  event: Pick<Identity, 'resourceUri' | 'subscriptionId'>,
): EventProblem | null => {
  const subscription = subscriptionOf(event.resourceUri);
  if (subscription === null || asciiLower(subscription) !== asciiLower(event.subscriptionId)) {
    return problem(
      'wrong-subscription',
      `the resource is not in subscription ${event.subscriptionId}`,
    );
  }
  return null;
};
