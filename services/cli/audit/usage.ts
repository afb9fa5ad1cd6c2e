import { isUtf8 } from 'node:buffer';
import avro, { type Schema, type Type } from 'avsc';
import { newestSchema, type PublishedSchema } from '../../shared/avro/schema-directory.ts';
import { unframe } from '../../shared/avro/wire-format.ts';

/** What a record says was used, before any of it has been judged. */
export interface Usage {
  readonly eventId: Buffer;
  readonly subscriptionId: string;
  readonly meterId: string;
  readonly resourceUri: string;
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
  /** Two's complement, as it stands in the record. */
  readonly quantity: Buffer;
  readonly location: string;
  readonly tags: string | null;
  readonly additionalInfo: string | null;
}

export type Read =
  { readonly usage: Usage } | { readonly code: 'malformed' | 'unknown-schema' | 'invalid-text' };

/** Reads the value of a record, of which the schemas with these ids are accepted. */
export type UsageReader = (value: Buffer | null, accepted: ReadonlySet<number>) => Read;

interface Datum {
  readonly eventId: Buffer;
  readonly subscriptionId: Buffer;
  readonly meterId: Buffer;
  readonly resourceUri: Buffer;
  readonly usageStartTime: number;
  readonly usageEndTime: number;
  readonly quantity: Buffer;
  readonly location: Buffer;
  readonly tags: Buffer | null;
  readonly additionalInfo: Buffer | null;
}

const BYTES = avro.Type.forSchema('bytes');

/** Text is read as its bytes, which Avro writes alike: whether they are UTF-8 is judged here. */
const isText = (schema: unknown): boolean =>
  schema === 'string' ||
  (typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'string');

const typeOf = ({ definition }: PublishedSchema): Type =>
  avro.Type.forSchema(definition as Schema, {
    registry: {},
    // Not what avsc's types say: it goes on by itself where the hook returns nothing.
    typeHook: ((schema: unknown) => (isText(schema) ? BYTES : undefined)) as unknown as (
      schema: Schema,
    ) => Type,
  });

const MALFORMED: Read = { code: 'malformed' };

export const usageReader = (schemas: readonly PublishedSchema[]): UsageReader => {
  const type = typeOf(newestSchema(schemas, 'usage-event'));
  const writers = new Map(
    schemas
      .filter(({ subject }) => subject === 'usage-event')
      .map((schema) => [schema.id, type.createResolver(typeOf(schema))]),
  );
  return (value, accepted) => {
    const framed = value && unframe(value);
    if (!framed) return MALFORMED;
    const writer = accepted.has(framed.schemaId) ? writers.get(framed.schemaId) : undefined;
    if (!writer) return { code: 'unknown-schema' };
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
  if (texts.some((text) => text !== null && !isUtf8(text))) return { code: 'invalid-text' };
  return {
    usage: {
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
    },
  };
};
