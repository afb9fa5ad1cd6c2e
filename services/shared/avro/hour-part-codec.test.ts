import fc from 'fast-check';
import type { Quantity } from '../model/decimal.ts';
import { HOUR_MILLIS, hourOf, millis } from '../model/time.ts';
import type { HourPart, UsageAggregate } from '../model/usage-aggregate.ts';
import { readSchemaDirectory } from './schema-directory.ts';
import { hourPartDecoder, hourPartEncoder } from './hour-part-codec.ts';

const schemas = readSchemaDirectory();
const encode = hourPartEncoder(schemas);
const decode = hourPartDecoder(schemas);

const text = fc.string({ unit: 'grapheme' });
const aggregates: fc.Arbitrary<UsageAggregate> = fc.record({
  aggregateId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((id) => Buffer.from(id)),
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

const parts: fc.Arbitrary<HourPart> = fc.record({
  topic: text,
  epoch: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  partition: fc.nat(),
  reportedHour: fc.nat().map((n) => hourOf(millis(n * 1000), HOUR_MILLIS)),
  part: fc.nat(),
  aggregates: fc.array(aggregates, { maxLength: 4 }),
});

test('a part of an hour is read as it was written, and always written alike', () => {
  fc.assert(
    fc.property(parts, (part) => {
      const bytes = encode(part);
      expect(decode(bytes)).toEqual(part);
      const copied = part.aggregates.map((each) => ({
        ...each,
        aggregateId: new Uint8Array(each.aggregateId),
      }));
      expect(encode({ ...part, aggregates: copied })).toEqual(bytes);
    }),
  );
});

test('bytes that are no part of an hour are none', () => {
  const [part] = fc.sample(parts, { numRuns: 1, seed: 1 }) as [HourPart];
  const bytes = encode(part);
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
