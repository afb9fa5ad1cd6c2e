import type { DeadLetterCode } from '../../../shared/model/dead-letter.ts';
import type { UsageEvent } from '../../../shared/model/usage-event.ts';
import type { Quantity } from '../../../shared/model/decimal.ts';
import { draw } from '../../simulated-cloud/draw.ts';

/**
 * A record that looks like usage and is none. It goes straight to the log, since the SDK would refuse it,
 * and is dead-lettered there with this code.
 */
export interface MalformedRecord {
  readonly value: Buffer;
  readonly code: DeadLetterCode;
}

type Encode = (event: UsageEvent) => Buffer;

/** An id that no schema of this repository has. */
const UNKNOWN_SCHEMA = 999_999;

/** Spoils an event; which way follows from the event. */
export const malformed = (event: UsageEvent, encode: Encode): MalformedRecord => {
  const { resourceUri, meterId, usageStartTime } = event;
  const way = Math.floor(draw('way', resourceUri, meterId, usageStartTime) * WAYS.length);
  return (WAYS[way] ?? cutShort)(event, encode);
};

type Way = (event: UsageEvent, encode: Encode) => MalformedRecord;

const cutShort: Way = (event, encode) => {
  const value = encode(event);
  return { value: value.subarray(0, value.length - 3), code: 'malformed' };
};

const noFrame: Way = (event) => ({
  value: Buffer.from(JSON.stringify({ meter: event.meterId, resource: event.resourceUri })),
  code: 'malformed',
});

const otherSchema: Way = (event, encode) => {
  const value = Buffer.from(encode(event));
  value.writeUInt32BE(UNKNOWN_SCHEMA, 1);
  return { value, code: 'unknown-schema' };
};

const negative: Way = (event, encode) => ({
  value: encode({ ...event, quantity: -(event.quantity + 1n) as Quantity }),
  code: 'negative-quantity',
});

const backwards: Way = (event, encode) => ({
  value: encode({
    ...event,
    usageStartTime: event.usageEndTime,
    usageEndTime: event.usageStartTime,
  }),
  code: 'invalid-period',
});

const WAYS: readonly Way[] = [cutShort, noFrame, otherSchema, negative, backwards];
