import avro from 'avsc';
import './strict-lengths.ts';
import { quantityFromBytes, quantityToBytes } from '../model/decimal.ts';
import type { HourPart, UsageAggregate } from '../model/usage-aggregate.ts';
import { newestSchema, type PublishedSchema } from './schema-directory.ts';
import { frame, unframe } from './wire-format.ts';

const SUBJECT = 'usage-hour-part';

type AggregateOnTheWire = Omit<UsageAggregate, 'quantity' | 'aggregateId' | 'usageMonths'> & {
  readonly aggregateId: Buffer;
  readonly quantity: Buffer;
  readonly usageMonths: readonly { readonly month: string; readonly quantity: Buffer }[];
};

type OnTheWire = Omit<HourPart, 'aggregates'> & {
  readonly aggregates: readonly AggregateOnTheWire[];
};

const typeOf = (schema: PublishedSchema): avro.Type =>
  avro.Type.forSchema(schema.definition as avro.Schema, { registry: {} });

/** Writes parts of hours in the newest published version. */
export const hourPartEncoder = (
  schemas: readonly PublishedSchema[],
): ((part: HourPart) => Buffer) => {
  const newest = newestSchema(schemas, SUBJECT);
  const type = typeOf(newest);
  return (part) =>
    frame(newest.id, type.toBuffer({ ...part, aggregates: part.aggregates.map(aggregateToWire) }));
};

const aggregateToWire = (aggregate: UsageAggregate): AggregateOnTheWire => ({
  ...aggregate,
  aggregateId: Buffer.from(aggregate.aggregateId),
  quantity: quantityToBytes(aggregate.quantity),
  usageMonths: aggregate.usageMonths.map(({ month, quantity }) => ({
    month,
    quantity: quantityToBytes(quantity),
  })),
});

/** Reads parts of hours of any published version; null if the bytes are not one. */
export const hourPartDecoder = (
  schemas: readonly PublishedSchema[],
): ((bytes: Buffer) => HourPart | null) => {
  const reader = typeOf(newestSchema(schemas, SUBJECT));
  const writers = new Map(
    schemas
      .filter(({ subject }) => subject === SUBJECT)
      .map((schema) => [schema.id, reader.createResolver(typeOf(schema))]),
  );
  return (bytes) => {
    const framed = unframe(bytes);
    const resolver = framed && writers.get(framed.schemaId);
    if (!resolver) return null;
    try {
      const part = reader.fromBuffer(framed.datum, resolver) as OnTheWire;
      return { ...part, aggregates: part.aggregates.map(aggregateFromWire) };
    } catch {
      return null;
    }
  };
};

const aggregateFromWire = (aggregate: AggregateOnTheWire): UsageAggregate => ({
  ...aggregate,
  quantity: quantityFromBytes(aggregate.quantity),
  usageMonths: aggregate.usageMonths.map(({ month, quantity }) => ({
    month,
    quantity: quantityFromBytes(quantity),
  })),
});
