import { quantityToBytes } from '../../services/shared/model/decimal.ts';
import type { UsageEvent } from '../../services/shared/model/usage-event.ts';

/** Usage events in Avro with whatever one likes in each place, right or wrong. */
export interface RawEvent {
  readonly eventId: Buffer;
  readonly subscriptionId: Buffer;
  readonly meterId: Buffer;
  readonly resourceUri: Buffer;
  readonly usageStartTime: bigint;
  readonly usageEndTime: bigint;
  readonly quantity: Buffer;
  readonly location: Buffer;
  readonly tags: Buffer | null;
  readonly additionalInfo: Buffer | null;
}

export type RawField = keyof RawEvent;

export const rawEventOf = (event: UsageEvent): RawEvent => {
  const optional = (text: string | null): Buffer | null =>
    text === null ? null : Buffer.from(text, 'utf8');
  return {
    eventId: Buffer.from(event.eventId),
    subscriptionId: Buffer.from(event.subscriptionId, 'utf8'),
    meterId: Buffer.from(event.meterId, 'utf8'),
    resourceUri: Buffer.from(event.resourceUri, 'utf8'),
    usageStartTime: BigInt(event.usageStartTime),
    usageEndTime: BigInt(event.usageEndTime),
    quantity: quantityToBytes(event.quantity),
    location: Buffer.from(event.location, 'utf8'),
    tags: optional(event.tags),
    additionalInfo: optional(event.additionalInfo),
  };
};

/** A number in Avro's zigzag form, with more bytes than it needs where `length` asks for them. */
export const longBytes = (value: bigint, length = 1): Buffer => {
  let rest = value < 0n ? -value * 2n - 1n : value * 2n;
  const bytes: number[] = [];
  do {
    bytes.push(Number(rest & 0x7fn));
    rest >>= 7n;
  } while (rest > 0n || bytes.length < length);
  return Buffer.from(bytes.map((byte, n) => (n < bytes.length - 1 ? byte | 0x80 : byte)));
};

export const blockBytes = (bytes: Buffer, claimed = BigInt(bytes.length)): Buffer =>
  Buffer.concat([longBytes(claimed), bytes]);

const optionalBytes = (bytes: Buffer | null): Buffer =>
  bytes === null ? Buffer.from([0]) : Buffer.concat([Buffer.from([2]), blockBytes(bytes)]);

export const FIELDS = [
  'eventId',
  'subscriptionId',
  'meterId',
  'resourceUri',
  'usageStartTime',
  'usageEndTime',
  'quantity',
  'location',
  'tags',
  'additionalInfo',
] as const satisfies readonly RawField[];

/** A field as Avro has it. */
export const rawField = (event: RawEvent, field: RawField): Buffer => {
  if (field === 'eventId') return event.eventId;
  if (field === 'usageStartTime' || field === 'usageEndTime') return longBytes(event[field]);
  if (field === 'tags' || field === 'additionalInfo') return optionalBytes(event[field]);
  return blockBytes(event[field]);
};

/** The datum's parts in order; a part that is given is taken as it is. */
export const rawDatum = (
  event: RawEvent,
  given: Readonly<Partial<Record<RawField, Buffer>>> = {},
): Buffer => Buffer.concat(FIELDS.map((field) => given[field] ?? rawField(event, field)));

const HEADER_BYTES = 5;

/** In the wire format, under any schema id. */
export const framed = (datum: Buffer, schemaId = 1): Buffer => {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(schemaId, 1);
  return Buffer.concat([header, datum]);
};
