import fc from 'fast-check';
import { encodeEvent, eventOf, knowledge } from '../../../../test/support/fold/fixtures.ts';
import { newestSchema, readSchemaDirectory } from '../../avro/schema-directory.ts';
import {
  plainSchemas,
  USAGE_EVENT_SUBJECT,
  usageEventDecoders,
  usageEventEncoder,
} from '../../avro/usage-event-codec.ts';
import { unframe } from '../../avro/wire-format.ts';
import { millis } from '../../model/time.ts';
import { PlainEvent } from './plain-event.ts';
import { readLayout } from './event-layout.ts';

const newest = newestSchema(readSchemaDirectory(), USAGE_EVENT_SUBJECT);
const attributes = knowledge.plainSchemas.get(newest.id) ?? 0;
const decode = knowledge.decoders.get(newest.id);

const texts = fc.string({ unit: 'binary', maxLength: 80 });
const events = fc
  .record({
    subscriptionId: texts,
    meterId: texts,
    resourceUri: texts,
    location: texts,
    tags: fc.option(texts),
    additionalInfo: fc.option(
      fc.oneof(
        texts,
        texts.map((text) => text.repeat(30)),
      ),
    ),
    usageStartTime: fc.integer({ min: -(2 ** 47), max: 2 ** 47 }).map(millis),
    usageEndTime: fc.integer({ min: -(2 ** 47), max: 2 ** 47 }).map(millis),
  })
  .map(eventOf);

const datumOf = (framed: Buffer): Buffer => Buffer.from(unframe(framed)?.datum ?? []);
const data = events.map((event) => datumOf(encodeEvent(event)));

/** What stands at the places that were found; null where the bytes are left to the general way. */
const laidOut = (datum: Buffer, having = attributes) => {
  const event = new PlainEvent();
  event.source.set(Buffer.concat([Buffer.alloc(3, 1), datum, Buffer.alloc(9, 1)]));
  const { bytes } = event.source;
  const { layout } = event;
  if (!readLayout(bytes, 3, 3 + datum.length, having, layout)) return null;
  return {
    ...event.texts(),
    eventId: bytes.subarray(layout.eventId, layout.eventId + 16),
    quantity: bytes.subarray(layout.quantity, layout.quantity + layout.quantityLength),
    usageStartTime: BigInt(layout.usageStart),
    usageEndTime: BigInt(layout.usageEnd),
  };
};

const decoded = (datum: Buffer) => {
  const result = decode?.(datum);
  return result?.ok ? result.value : null;
};

test('an event is found where the decoder finds it', () => {
  fc.assert(
    fc.property(data, (datum) => {
      expect(laidOut(datum)).toEqual(decoded(datum));
    }),
  );
});

test('an event in a schema from before an attribute was added is read from its bytes too', () => {
  const definition = newest.definition as { readonly fields: readonly unknown[] };
  const fields = definition.fields.slice(0, -1);
  const earlier = { ...newest, id: 99, definition: { ...definition, fields } };
  const having = plainSchemas([earlier]).get(99);
  expect(having).toBe(attributes - 1);
  const encode = usageEventEncoder([earlier]);
  const decodeEarlier = usageEventDecoders([earlier], newest).get(99);
  fc.assert(
    fc.property(events, (event) => {
      const datum = datumOf(encode(event));
      expect({ ok: true, value: laidOut(datum, having) }).toEqual(decodeEarlier?.(datum));
    }),
  );
});

test('a schema without an attribute that cannot be null is left to the decoder', () => {
  const definition = newest.definition as { readonly fields: readonly unknown[] };
  const fields = definition.fields.slice(0, -attributes);
  expect(plainSchemas([{ ...newest, definition: { ...definition, fields } }]).size).toBe(0);
});

test('bytes that were changed, cut or added are read as the decoder reads them, or left to it', () => {
  const changes = fc.array(
    fc.record({ at: fc.nat(), byte: fc.nat(255), kind: fc.constantFrom('set', 'add', 'cut') }),
    { minLength: 1, maxLength: 3 },
  );
  let read = 0;
  fc.assert(
    fc.property(data, changes, (datum, given) => {
      let bytes = datum;
      for (const { at, byte, kind } of given) {
        const place = at % (bytes.length + 1);
        const rest = bytes.subarray(kind === 'add' ? place : place + 1);
        bytes = Buffer.concat([
          bytes.subarray(0, place),
          kind === 'cut' ? Buffer.of() : Buffer.of(byte),
          rest,
        ]);
      }
      const found = laidOut(bytes);
      const wanted = decoded(bytes);
      // The decoder refuses what is not UTF-8; the packed fold asks for that later.
      if (found === null || wanted === null) return;
      read++;
      expect(found).toEqual(wanted);
    }),
    { numRuns: 3_000 },
  );
  expect(read).toBeGreaterThan(100);
});
