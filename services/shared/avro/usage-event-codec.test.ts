import avro from 'avsc';
import fc from 'fast-check';
import { quantityFromBytes, type Quantity } from '../model/decimal.ts';
import { millis } from '../model/time.ts';
import type { UsageEvent } from '../model/usage-event.ts';
import { readSchemaDirectory, type PublishedSchema } from './schema-directory.ts';
import {
  USAGE_EVENT_SUBJECT,
  usageEventDecoders,
  usageEventEncoder,
  type Decoded,
} from './usage-event-codec.ts';
import { unframe } from './wire-format.ts';

const schemas = readSchemaDirectory();
const published = schemas.filter(
  ({ subject, version }) => subject === USAGE_EVENT_SUBJECT && version === 1,
);
const [v1] = published as [PublishedSchema];
const encode = usageEventEncoder(published);

const event: UsageEvent = {
  eventId: Buffer.from('00112233445566778899aabbccddeeff', 'hex'),
  subscriptionId: 'sub',
  meterId: 'meter',
  resourceUri: '/resource',
  usageStartTime: millis(1_000),
  usageEndTime: millis(2_000),
  quantity: 7n as Quantity,
  location: 'local',
  tags: null,
  additionalInfo: '',
};

const decode = (bytes: Buffer, decoders = usageEventDecoders(published)): Decoded => {
  const framed = unframe(bytes);
  const decoder = framed && decoders.get(framed.schemaId);
  if (!decoder) throw new Error('no decoder');
  return decoder(framed.datum);
};

/** As it was before it was encoded. */
const written = (decoded: Decoded): unknown =>
  decoded.ok
    ? {
        ...decoded.value,
        quantity: quantityFromBytes(decoded.value.quantity),
        usageStartTime: Number(decoded.value.usageStartTime),
        usageEndTime: Number(decoded.value.usageEndTime),
      }
    : decoded;

test('an event is read as it was written, whatever its texts and numbers', () => {
  const text = fc.string({ unit: 'binary' });
  // avsc writes numbers exactly up to here; what others write is in exact-long.test.ts.
  const instant = fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }).map(millis);
  const events = fc.record({
    eventId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((id) => Buffer.from(id)),
    subscriptionId: text,
    meterId: text,
    resourceUri: text,
    usageStartTime: instant,
    usageEndTime: instant,
    quantity: fc.bigInt({ min: -(2n ** 255n), max: 2n ** 255n - 1n }) as fc.Arbitrary<Quantity>,
    location: text,
    tags: fc.option(text),
    additionalInfo: fc.option(text),
  });
  fc.assert(
    fc.property(events, (given) => {
      expect(written(decode(encode(given)))).toEqual(given);
    }),
  );
});

test('the bytes are what other Avro writers give, in the schema’s own types', () => {
  const type = avro.Type.forSchema(v1.definition as avro.Schema, { registry: {} });
  const theirs = type.toBuffer({
    ...event,
    eventId: Buffer.from(event.eventId),
    quantity: Buffer.from([7]),
  });
  expect(encode(event).subarray(5)).toEqual(theirs);
  expect(encode(event).subarray(0, 5).toString('hex')).toBe('0000000001');
});

test.each([
  'subscriptionId',
  'meterId',
  'resourceUri',
  'location',
  'tags',
  'additionalInfo',
] as const)('text of %s that is not UTF-8 is refused, not replaced', (field) => {
  const bytes = encode({ ...event, [field]: 'PLACE' });
  const at = bytes.indexOf('PLACE');
  for (const hex of ['ff41414141', 'c0af414141', 'eda0804141', 'f490808041', '41414141c3']) {
    Buffer.from(hex, 'hex').copy(bytes, at);
    expect(decode(bytes)).toEqual({
      ok: false,
      error: { code: 'invalid-text', message: `${field} is not UTF-8` },
    });
  }
  Buffer.from('efbfbd4141', 'hex').copy(bytes, at);
  expect(decode(bytes)).toMatchObject({ ok: true, value: { [field]: '\uFFFDAA' } });
});

test('trailing bytes and a datum cut short are malformed', () => {
  const bytes = encode(event);
  expect(decode(Buffer.concat([bytes, Buffer.from([0])]))).toMatchObject({
    ok: false,
    error: { code: 'malformed', message: '1 bytes follow the datum' },
  });
  for (let length = 5; length < bytes.length; length++) {
    expect(decode(bytes.subarray(0, length))).toMatchObject({
      ok: false,
      error: { code: 'malformed' },
    });
  }
});

test('no bytes make the decoder throw', () => {
  const spoilt = fc
    .tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 12 }))
    .map(([at, noise]) => {
      const bytes = Buffer.from(encode(event));
      Buffer.from(noise).copy(bytes, 5 + (at % (bytes.length - 5)));
      return bytes.subarray(5);
    });
  const decoder = usageEventDecoders(published).get(1);
  fc.assert(
    fc.property(
      fc.oneof(
        spoilt,
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
      (datum) => {
        expect(['boolean', 'undefined']).toContain(typeof decoder?.(datum).ok);
      },
    ),
    { numRuns: 1000 },
  );
});

test('a time of 64 bits is read exactly, and a text longer than the record is malformed', () => {
  const bytes = encode({ ...event, usageStartTime: millis(2 ** 48) });
  const huge = Buffer.from('feffffffffffffffff01', 'hex'); // the largest 64-bit integer
  const start = bytes.indexOf('/resource') + '/resource'.length;
  const far = Buffer.concat([bytes.subarray(0, start), huge, bytes.subarray(start + 8)]);
  expect(decode(far)).toMatchObject({ ok: true, value: { usageStartTime: 2n ** 63n - 1n } });
  const length = Buffer.concat([bytes.subarray(0, 21), huge, bytes.subarray(22)]);
  expect(decode(length)).toMatchObject({ ok: false, error: { code: 'malformed' } });
});

describe('other versions of the schema', () => {
  const definition = v1.definition as { fields: { name: string }[] };
  const version = (id: number, number: number, fields: unknown[]): PublishedSchema => ({
    ...v1,
    id,
    version: number,
    definition: { ...definition, fields },
  });
  const v2 = version(20, 2, [
    { name: 'zone', type: 'string', default: 'none' },
    ...definition.fields.filter(({ name }) => name !== 'additionalInfo'),
    definition.fields.find(({ name }) => name === 'additionalInfo'),
    { name: 'labels', type: { type: 'array', items: 'string' }, default: [] },
  ]);
  const both = [v1, v2];

  test('an older event is read by the newest schema, with its defaults', () => {
    expect(written(decode(encode(event), usageEventDecoders(both)))).toEqual(event);
  });

  test('a newer event is read by an older schema, without its new fields', () => {
    const type = avro.Type.forSchema(v2.definition as avro.Schema, { registry: {} });
    const datum = type.toBuffer({
      ...event,
      eventId: Buffer.from(event.eventId),
      quantity: Buffer.from([7]),
      zone: 'north',
      labels: ['a', 'b'],
    });
    const read = usageEventDecoders(both, v1).get(20)?.(datum);
    expect(read && written(read)).toEqual(event);
    const newest = usageEventDecoders(both).get(20)?.(datum);
    expect(newest && written(newest)).toEqual(event);
  });

  test('events are written in the newest version', () => {
    const newest = version(21, 3, definition.fields);
    expect(unframe(usageEventEncoder([newest, v1])(event))?.schemaId).toBe(21);
  });

  test('schemas of other subjects have no decoder', () => {
    expect([...usageEventDecoders(schemas).keys()]).toEqual(
      schemas.filter(({ subject }) => subject === USAGE_EVENT_SUBJECT).map(({ id }) => id),
    );
  });
});

test('a length that never ends breaks nothing that is read after it', () => {
  const whole = encode(event);
  const { datum = Buffer.of() } = unframe(whole) ?? {};
  const endless = Buffer.concat([
    whole.subarray(0, 5),
    datum.subarray(0, 16), // the id; what follows is the length of the subscription
    Buffer.alloc(400, 0x80),
    datum.subarray(16),
  ]);
  expect(decode(endless)).toEqual({
    ok: false,
    error: { code: 'malformed', message: 'the datum is cut short' },
  });
  expect(written(decode(whole))).toEqual(event);
});
