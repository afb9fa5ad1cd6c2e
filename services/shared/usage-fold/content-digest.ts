import { createHash } from 'node:crypto';
import type { JudgedEvent } from './verdict.ts';

/**
 * 64 bits over everything in an event but its id. Identities enter in lower case, as they do in the
 * id, so that a resend that differs in case alone is a duplicate and not a conflict.
 */
export const contentDigest = (
  event: JudgedEvent,
  keys: {
    readonly subscriptionKey: string;
    readonly meterKey: string;
    readonly resourceKey: string;
  },
): bigint => {
  const content = JSON.stringify([
    keys.subscriptionKey,
    keys.meterKey,
    keys.resourceKey,
    event.usageStartTime,
    event.usageEndTime,
    Buffer.from(event.quantity).toString('hex'),
    event.location,
    event.tags,
    event.additionalInfo,
  ]);
  return createHash('sha256').update(content).digest().readBigUInt64BE(0);
};
