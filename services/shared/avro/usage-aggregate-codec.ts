import avro from 'avsc';
import './strict-lengths.ts';
import { quantityFromBytes, quantityToBytes } from '../model/decimal.ts';
import type { UsageAggregate } from '../model/usage-aggregate.ts';
import { newestSchema, type PublishedSchema } from './schema-directory.ts';
import { frame, unframe } from './wire-format.ts';

const USAGE_AGGREGATE_SUBJECT = 'usage-aggregate';

type OnTheWire = Omit<UsageAggregate, 'quantity' | 'aggregateId' | 'usageMonths'> & {
  readonly aggregateId: Buffer;
  readonly quantity: Buffer;
  readonly usageMonths: readonly { readonly month: string; readonly quantity: Buffer }[];
};

const typeOf = (schema: PublishedSchema): avro.Type =>
  avro.Type.forSchema(schema.definition as avro.Schema, { registry: {} });

/** Writes aggregates in the newest published version. */
export const usageAggregateEncoder = (
  schemas: readonly PublishedSchema[],
): ((aggregate: UsageAggregate) => Buffer) => {
  const newest = newestSchema(schemas, USAGE_AGGREGATE_SUBJECT);
  const type = typeOf(newest);
  return (aggregate) =>
    frame(
      newest.id,
      type.toBuffer({
        ...aggregate,
        aggregateId: Buffer.from(aggregate.aggregateId),
        quantity: quantityToBytes(aggregate.quantity),
        usageMonths: aggregate.usageMonths.map(({ month, quantity }) => ({
          month,
          quantity: quantityToBytes(quantity),
        })),
      }),
    );
};

/** Reads aggregates of any published version; null if the bytes are not an aggregate. */
export const usageAggregateDecoder = (
  schemas: readonly PublishedSchema[],
): ((bytes: Buffer) => UsageAggregate | null) => {
  const reader = typeOf(newestSchema(schemas, USAGE_AGGREGATE_SUBJECT));
  const writers = new Map(
    schemas
      .filter(({ subject }) => subject === USAGE_AGGREGATE_SUBJECT)
      .map((schema) => [schema.id, reader.createResolver(typeOf(schema))]),
  );
  return (bytes) => {
    const framed = unframe(bytes);
    const resolver = framed && writers.get(framed.schemaId);
    if (!resolver) return null;
    try {
      const value = reader.fromBuffer(framed.datum, resolver) as OnTheWire;
      return {
        ...value,
        quantity: quantityFromBytes(value.quantity),
        usageMonths: value.usageMonths.map(({ month, quantity }) => ({
          month,
          quantity: quantityFromBytes(quantity),
        })),
      };
    } catch {
      return null;
    }
  };
};
