import fc from 'fast-check';
import type { Quantity } from '../model/decimal.ts';
import { HOUR_MILLIS, hourOf, millis } from '../model/time.ts';
import type { UsageAggregate } from '../model/usage-aggregate.ts';
import { readSchemaDirectory } from './schema-directory.ts';
import { usageAggregateDecoder, usageAggregateEncoder } from './usage-aggregate-codec.ts';

const schemas = readSchemaDirectory();
const encode = usageAggregateEncoder(schemas);
const decode = usageAggregateDecoder(schemas);

const text = fc.string({ unit: 'grapheme' });
const aggregates: fc.Arbitrary<UsageAggregate> = fc.record({
  aggregateId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((id) => Buffer.from(id)),
  topic: text,
  epoch: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  partition: fc.nat(),
  reportedHour: fc.nat().map((n) => hourOf(millis(n * 1000), HOUR_MILLIS)),
  subscriptionId: text,
  meterId: text,
  resourceUri: text,
  // A sum of as many quantities as fit one table.
  quantity: fc.bigInt({ min: -(10n ** 75n), max: 10n ** 75n }) as fc.Arbitrary<Quantity>,
  eventCount: fc.integer({ min: 1, max: 2 ** 52 - 1 }),
  firstUsageTime: fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }).map(millis),
  lastUsageTime: fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }).map(millis),
  usageMonths: fc.array(
    fc.record({
      month: text,
      quantity: fc.bigInt({ min: -(10n ** 75n), max: 10n ** 75n }) as fc.Arbitrary<Quantity>,
    }),
    { maxLength: 3 },
  ),
  location: text,
  tags: fc.option(text),
  additionalInfo: fc.option(text),
});

test('an aggregate is read as it was written, and always written alike', () => {
  fc.assert(
    fc.property(aggregates, (aggregate) => {
      const bytes = encode(aggregate);
      expect(decode(bytes)).toEqual(aggregate);
      expect(encode({ ...aggregate, aggregateId: new Uint8Array(aggregate.aggregateId) })).toEqual(
        bytes,
      );
    }),
  );
});

test('bytes that are no aggregate are none', () => {
  const [aggregate] = fc.sample(aggregates, { numRuns: 1, seed: 1 }) as [UsageAggregate];
  const bytes = encode(aggregate);
  const otherSchema = Buffer.from(bytes);
  otherSchema.writeUInt32BE(1, 1);
  for (const wrong of [
    Buffer.alloc(0),
    bytes.subarray(0, 5),
    bytes.subarray(0, -1),
    Buffer.concat([bytes, Buffer.from([0])]),
    Buffer.concat([Buffer.from([1]), bytes.subarray(1)]),
    otherSchema,
  ]) {
    expect(decode(wrong)).toBeNull();
  }
});
