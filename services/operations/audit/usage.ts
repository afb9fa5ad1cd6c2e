import { isUtf8 } from 'node:buffer';
import avro, { type Schema, type Type } from 'avsc';
import '../../shared/avro/strict-lengths.ts';
import { newestSchema, type PublishedSchema } from '../../shared/avro/schema-directory.ts';
import { unframe } from '../../shared/avro/wire-format.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';

/** What a record says was used. */
export interface Usage {
  readonly eventId: Buffer;
  readonly subscriptionId: string;
  readonly meterId: string;
  readonly resourceUri: string;
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
  /** Two's complement, as in the record. */
  readonly quantity: Buffer;
  readonly location: string;
  readonly tags: string | null;
  readonly additionalInfo: string | null;
}

/** Usage before it is judged: a time may be any 64-bit number. */
export interface Unjudged extends Omit<Usage, 'start' | 'end'> {
  readonly start: bigint;
  readonly end: bigint;
}

export type Read = Result<Unjudged, 'malformed' | 'unknown-schema' | 'invalid-text'>;

/** Reads the value of a record. Only schemas with these ids are accepted. */
export type UsageReader = (value: Buffer | null, accepted: ReadonlySet<number>) => Read;

interface Datum {
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

const BYTES = avro.Type.forSchema('bytes');

class NotALong extends Error {}

/**
 * Decodes a number by the Avro specification: groups of seven bits, the lowest first, in zigzag; at most
 * ten groups.
 */
const longOf = (bytes: Uint8Array): bigint => {
  if (bytes.length > 10) throw new NotALong();
  const bits = bytes.reduceRight((high, byte) => high * 128n + BigInt(byte % 128), 0n);
  if (bits >= 2n ** 64n) throw new NotALong();
  return bits % 2n === 0n ? bits / 2n : -(bits + 1n) / 2n;
};

const never = (): never => {
  throw new Error('the audit writes no records');
};

const LONG = avro.types.LongType.__with(
  {
    fromBuffer: longOf,
    fromJSON: BigInt, // a number that was written as an int
    toBuffer: never,
    toJSON: never,
    isValid: never,
    compare: never,
  },
  true,
);

/** Text is read as bytes, which Avro encodes the same way. Whether they are UTF-8 is judged here. */
const readAs = (schema: unknown): Type | undefined => {
  const isObject = typeof schema === 'object' && schema !== null && 'type' in schema;
  const name = isObject ? schema.type : schema;
  if (name === 'string') return BYTES;
  return name === 'long' ? LONG : undefined;
};

const typeOf = ({ definition }: PublishedSchema): Type =>
  avro.Type.forSchema(definition as Schema, {
    registry: {},
    // Contrary to its types, avsc continues by itself if the hook returns nothing.
    typeHook: readAs as unknown as (schema: Schema) => Type,
  });

const MALFORMED: Read = fail('malformed');

export const usageReader = (schemas: readonly PublishedSchema[]): UsageReader => {
  const type = typeOf(newestSchema(schemas, 'usage-event'));
  const writers = new Map(
    schemas
      .filter(({ subject }) => subject === 'usage-event')
      .map((schema) => [schema.id, type.createResolver(typeOf(schema))]),
  );
  return (value, accepted): Read => {
    const framed = value && unframe(value);
    if (!framed) return MALFORMED;
    const writer = accepted.has(framed.schemaId) ? writers.get(framed.schemaId) : undefined;
    if (!writer) return fail('unknown-schema');
    let datum: Datum;
    try {
      const { value: read, offset } = type.decode(framed.datum, 0, writer) as {
        value?: Datum;
        offset: number;
      };
      if (read === undefined || offset !== framed.datum.length) return MALFORMED;
      datum = read;
    } catch {
      return MALFORMED;
    }
    return inText(datum);
  };
};

const inText = (datum: Datum): Read => {
  const { subscriptionId, meterId, resourceUri, location, tags, additionalInfo } = datum;
  const texts = [subscriptionId, meterId, resourceUri, location, tags, additionalInfo];
  if (texts.some((text) => text !== null && !isUtf8(text))) return fail('invalid-text');
  return succeed({
    eventId: datum.eventId,
    subscriptionId: subscriptionId.toString(),
    meterId: meterId.toString(),
    resourceUri: resourceUri.toString(),
    start: datum.usageStartTime,
    end: datum.usageEndTime,
    quantity: datum.quantity,
    location: location.toString(),
    tags: tags === null ? null : tags.toString(),
    additionalInfo: additionalInfo === null ? null : additionalInfo.toString(),
  });
};
