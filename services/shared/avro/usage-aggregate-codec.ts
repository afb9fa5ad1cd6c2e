import avro from 'avsc';
import { quantityToBytes } from '../decimal.ts';
import type { UsageAggregate } from '../usage-aggregate.ts';
import { newestSchema, type PublishedSchema } from './schema-directory.ts';
import { frame } from './wire-format.ts';

/** Writes aggregates in the newest published version. */
export const usageAggregateEncoder = (
  schemas: readonly PublishedSchema[],
): ((aggregate: UsageAggregate) => Buffer) => {
  const newest = newestSchema(schemas, 'usage-aggregate');
  const type = avro.Type.forSchema(newest.definition as avro.Schema, {
    registry: {},
  });
  return (aggregate) =>
    frame(
      newest.id,
      type.toBuffer({
        ...aggregate,
        aggregateId: Buffer.from(aggregate.aggregateId),
        quantity: quantityToBytes(aggregate.quantity),
      }),
    );
};
