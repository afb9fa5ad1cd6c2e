import { isUtf8 } from 'node:buffer';
import avro from 'avsc';
import { quantityToBytes } from '../model/decimal.ts';
import { ATTRIBUTES, IDENTITY, TEXT_NAMES, type EventTexts } from '../model/event-texts.ts';
import type { RawUsageEvent, UsageEvent } from '../model/usage-event.ts';
import './strict-lengths.ts';
import { EXACT_LONG } from './exact-long.ts';
import { newestSchema, type PublishedSchema } from './schema-directory.ts';
import { frame } from './wire-format.ts';
import { fail, succeed, type Result } from '../model/result.ts';

export const USAGE_EVENT_SUBJECT = 'usage-event';

export type Decoded = Result<
  RawUsageEvent,
  { readonly code: 'malformed' | 'invalid-text'; readonly message: string }
>;

export type UsageEventDecoder = (datum: Buffer) => Decoded;

type EventAsBytes = Omit<RawUsageEvent, keyof EventTexts> &
  Readonly<Record<keyof EventTexts, Buffer | null>>;

/**
 * Changes a schema so that it reads without loss. Avro encodes `string` and `bytes` alike, and promotes one
 * to the other. Reading strings as bytes lets us refuse text that is not UTF-8 instead of storing
 * replacement characters.
 */
const lossless = (schema: unknown): unknown => {
  if (schema === 'string') return 'bytes';
  if (isLong(schema)) return EXACT_LONG;
  if (Array.isArray(schema)) return schema.map(lossless);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === 'type' || key === 'fields' || key === 'items' ? lossless(value) : value,
    ]),
  );
};

/** With or without a logical type. */
const isLong = (schema: unknown): boolean =>
  schema === 'long' ||
  (typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'long');

const typeOf = (definition: unknown): avro.Type =>
  avro.Type.forSchema(definition as avro.Schema, { registry: {} });

/** The fields of an event in the order in which they are written, with the encoding of each. */
const PLAIN_LAYOUT = [
  ['eventId', 'fixed 16'],
  ...IDENTITY.map(({ name }) => [name, 'bytes']),
  ['usageStartTime', 'long'],
  ['usageEndTime', 'long'],
  ['quantity', 'bytes'],
  ...ATTRIBUTES.map(({ name, isNullable }) => [name, isNullable ? 'null or bytes' : 'bytes']),
];

/** How Avro encodes values of a type: `string` like `bytes`, a logical type like its underlying type. */
const encodingOf = (schema: unknown): unknown => {
  if (schema === 'string') return 'bytes';
  if (Array.isArray(schema)) return schema.map(encodingOf).join(' or ');
  if (typeof schema !== 'object' || schema === null || !('type' in schema)) return schema;
  return schema.type === 'fixed' && 'size' in schema
    ? `fixed ${String(schema.size)}`
    : encodingOf(schema.type);
};

/**
 * The published schemas whose events are written in this layout, by id: how many attributes each has. A
 * schema from before an attribute was added has only the first ones; the others are null.
 */
export const plainSchemas = (schemas: readonly PublishedSchema[]): ReadonlyMap<number, number> => {
  const others = PLAIN_LAYOUT.length - ATTRIBUTES.length;
  const plain = new Map<number, number>();
  for (const { id, subject, definition } of schemas) {
    if (subject !== USAGE_EVENT_SUBJECT) continue;
    const { fields = [] } = definition as { fields?: { name: string; type: unknown }[] };
    const layout = fields.map(({ name, type }) => [name, encodingOf(type)]);
    const isPlain = JSON.stringify(layout) === JSON.stringify(PLAIN_LAYOUT.slice(0, layout.length));
    const left = ATTRIBUTES.slice(Math.max(0, layout.length - others));
    if (isPlain && left.every(({ isNullable }) => isNullable))
      plain.set(id, layout.length - others);
  }
  return plain;
};

/** Writes events in the newest published version. */
export const usageEventEncoder = (
  schemas: readonly PublishedSchema[],
): ((event: UsageEvent) => Buffer) => {
  const newest = newestSchema(schemas, USAGE_EVENT_SUBJECT);
  const type = typeOf(newest.definition);
  return (event) =>
    frame(
      newest.id,
      type.toBuffer(
        Object.assign({}, event, {
          eventId: Buffer.from(event.eventId),
          quantity: quantityToBytes(event.quantity),
        }),
      ),
    );
};

/**
 * One decoder for each published version. Each resolves the writer's schema to the reader's, which by
 * default is the newest published one. So older and newer compatible versions read alike.
 */
export const usageEventDecoders = (
  schemas: readonly PublishedSchema[],
  reader: PublishedSchema = newestSchema(schemas, USAGE_EVENT_SUBJECT),
): ReadonlyMap<number, UsageEventDecoder> => {
  const readerType = typeOf(lossless(reader.definition));
  return new Map(
    schemas
      .filter((schema) => schema.subject === USAGE_EVENT_SUBJECT)
      .map((schema) => [schema.id, decoderFrom(typeOf(schema.definition), readerType)]),
  );
};

const decoderFrom = (writer: avro.Type, reader: avro.Type): UsageEventDecoder => {
  const resolver = reader.createResolver(writer);
  return (datum) => {
    let decoded: { value: EventAsBytes | undefined; offset: number };
    try {
      decoded = reader.decode(datum, 0, resolver);
    } catch (error) {
      return malformed(error instanceof Error ? error.message : 'not an Avro datum');
    }
    if (decoded.value === undefined || decoded.offset < 0)
      return malformed('the datum is cut short');
    if (decoded.offset !== datum.length) {
      return malformed(`${String(datum.length - decoded.offset)} bytes follow the datum`);
    }
    return textOf(decoded.value);
  };
};

const malformed = (message: string): Decoded => fail({ code: 'malformed', message });

const textOf = (value: EventAsBytes): Decoded => {
  const texts: Partial<Record<keyof EventTexts, string | null>> = {};
  for (const name of TEXT_NAMES) {
    const bytes = value[name];
    if (bytes && !isUtf8(bytes)) {
      return fail({ code: 'invalid-text', message: `${name} is not UTF-8` });
    }
    texts[name] = bytes?.toString('utf8') ?? null;
  }
  const { eventId, usageStartTime, usageEndTime, quantity } = value;
  return succeed({ eventId, ...(texts as EventTexts), usageStartTime, usageEndTime, quantity });
};
