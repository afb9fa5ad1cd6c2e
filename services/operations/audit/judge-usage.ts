import type { DeadLetterCode } from '../../shared/model/dead-letter.ts';
import { quantityFromBytes, quantityToBytes } from '../../shared/model/decimal.ts';
import {
  asciiLower,
  namespaceOf,
  partitionOfKey,
  resourceKey,
  subscriptionOf,
} from '../../shared/model/placement.ts';
import type { CountableUsage } from './counted-window.ts';
import { ATTRIBUTES, IDENTITIES } from './texts.ts';
import type { Unjudged } from './usage.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';

/** What usage must satisfy, by the place of its record and the rules in force there. */
export interface Demands {
  readonly hourMillis: number;
  readonly maxUsageAgeMillis: number;
  readonly partition: number;
  readonly partitions: number;
  /** In lower case; `*` stands for all. */
  readonly namespaces: readonly string[];
}

/** The times that usage is compared with, in milliseconds since 1970. */
export interface Times {
  /** The reported time of the record. */
  readonly reported: number;
  /** The time at which it was first reported; earlier than `reported` if it is a redriven dead letter. */
  readonly firstReported: number;
  /** Usage that started before this is refused; null if the ledger was never trimmed. */
  readonly floor: number | null;
}

/** Whether a name holds a control character (C0, DEL, C1), or a line or paragraph separator. */
const isUnfit = (name: string): boolean => {
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
    if (code === 0x2028 || code === 0x2029) return true;
  }
  return false;
};

const TOO_MUCH = 10n ** 45n; // 10^15 in units of 10^-30

/**
 * Judges the values and the place of usage: why it is refused, or its accepted form. Follows the table in
 * docs/dead-letters.md, "Codes", from the top. An adjustment may be of any age and take usage back
 * (docs/adjustments.md).
 */
export const judgeUsage = (
  usage: Unjudged,
  key: Buffer | null,
  times: Times,
  demands: Demands,
  isAdjustment: boolean,
): Result<CountableUsage, DeadLetterCode> => {
  const { start, end, resourceUri } = usage;
  for (const { name } of IDENTITIES) {
    // If several fields are wrong, the first one decides.
    if (isUnfit(usage[name])) return fail('invalid-text');
    const bytes = Buffer.byteLength(usage[name]);
    if (bytes < 1 || bytes > 1024) return fail('invalid-identity');
  }

  for (const { name, longest } of ATTRIBUTES) {
    if (Buffer.byteLength(usage[name] ?? '') > longest) return fail('text-too-long');
  }

  if (start >= end) return fail('invalid-period');
  if (hourOf(start, demands) < hourOf(end - 1n, demands)) return fail('spans-hours');
  if (start > times.reported) return fail('in-future');
  const oldest = times.firstReported - demands.maxUsageAgeMillis;
  if (start < oldest && !isAdjustment) return fail('too-old');

  const { length } = usage.quantity;
  if (length < 1 || length > 32) return fail('invalid-quantity');
  const quantity = quantityFromBytes(usage.quantity);
  if (!quantityToBytes(quantity).equals(usage.quantity)) return fail('invalid-quantity');
  if (quantity < 0n && !isAdjustment) return fail('negative-quantity');
  const amount = quantity < 0n ? 0n - quantity : quantity;
  if (amount >= TOO_MUCH) return fail('quantity-too-large');

  if (times.floor !== null && start < times.floor) return fail('below-floor');

  const rightKey = Buffer.from(resourceKey(resourceUri));
  if (!key?.equals(rightKey)) return fail('wrong-key');
  if (partitionOfKey(rightKey, demands.partitions) !== demands.partition) {
    return fail('wrong-partition');
  }
  if (!demands.namespaces.includes('*')) {
    const namespace = namespaceOf(resourceUri);
    if (namespace === null || !demands.namespaces.includes(namespace)) {
      return fail('wrong-provider');
    }
  }
  const owner = subscriptionOf(resourceUri);
  if (owner === null || asciiLower(owner) !== asciiLower(usage.subscriptionId)) {
    return fail('wrong-subscription');
  }
  return succeed({ usage: { ...usage, start: Number(start), end: Number(end) }, quantity });
};

/** The number of an instant's hour since 1970. */
const hourOf = (instant: bigint, { hourMillis }: Demands): bigint => {
  const length = BigInt(hourMillis);
  return instant < 0n ? (instant + 1n) / length - 1n : instant / length;
};
