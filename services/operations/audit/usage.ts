import { isUtf8 } from 'node:buffer';
import avro, { type Schema, type Type } from 'avsc';
import '../../shared/avro/strict-lengths.ts';
import { newestSchema, type PublishedSchema } from '../../shared/avro/schema-directory.ts';
import { unframe } from '../../shared/avro/wire-format.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';
import { TEXTS, textsBy, type TextName, type Texts } from './texts.ts';

/** What a record says was used. */
export interface Usage extends Texts {
  readonly eventId: Buffer;
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
  /** Two's complement, as in the record. */
  readonly quantity: Buffer;
}

/** Usage before it is judged: a time may be any 64-bit number. */
export interface Unjudged extends Omit<Usage, 'start' | 'end'> {
  readonly start: bigint;
  readonly end: bigint;
}

export type Read = Result<Unjudged, 'malformed' | 'unknown-schema' | 'invalid-text'>;

/** Reads the value of a record. Only schemas with these ids are accepted. */
export type UsageReader = (value: Buffer | null, accepted: ReadonlySet<number>) => Read;

interface Datum extends Readonly<Record<TextName, Buffer | null>> {
  readonly eventId: Buffer;
  readonly usageStartTime: bigint;
  readonly usageEndTime: bigint;
  readonly quantity: Buffer;
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
  for (const { name } of TEXTS) {
    if (datum[name] !== null && !isUtf8(datum[name])) return fail('invalid-text');
  }
  return succeed({
    eventId: datum.eventId,
    start: datum.usageStartTime,
    end: datum.usageEndTime,
    quantity: datum.quantity,
    ...textsBy((name) => datum[name]?.toString() ?? null),
  });
};
