import fc from 'fast-check';
import { eventOf, hour } from '../../../test/support/fold/fixtures.ts';
import { contentOf } from '../../operations/audit/content-digest.ts';
import { quantityToBytes, type Quantity } from '../model/decimal.ts';
import { millis } from '../model/time.ts';
import { attributesDigest, contentDigest } from './content-digest.ts';
import type { JudgedEvent } from './verdict.ts';

const event: JudgedEvent = { ...eventOf(), quantity: Buffer.from([1, 2]), tags: '' };

const digestOf = (changes: Partial<JudgedEvent> = {}): bigint =>
  contentDigest({ ...event, ...changes });

test('every field but the id changes the digest, and null, "" and "null" are three things', () => {
  const digests = [
    {},
    { subscriptionId: 'x' },
    { meterId: 'x' },
    { resourceUri: 'x' },
    { usageStartTime: millis(hour(0) + 1) },
    { usageEndTime: millis(hour(1) - 1) },
    { quantity: Buffer.from([1, 3]) },
    { location: 'x' },
    { location: '', tags: 'local' },
    { tags: null },
    { tags: 'null' },
    { additionalInfo: '' },
    { additionalInfo: 'null' },
  ].map(digestOf);
  expect(new Set(digests).size).toBe(digests.length);
});

test('an event has the digest that it had before attributes were added that it does not have', () => {
  const before = attributesDigest(['local', null, null]);
  expect(attributesDigest(['local', null, null, null, null])).toEqual(before);
  const after = [[''], [null, ''], ['', ''], ['', null]].map((added) =>
    attributesDigest(['local', null, null, ...added]),
  );
  expect(
    new Set([before, ...after].map(({ high, low }) => `${String(high)} ${String(low)}`)).size,
  ).toBe(4);
  expect(after[3]).toEqual(after[0]);
});

test('neither the id nor the letters’ case in identities changes it', () => {
  expect(digestOf({ eventId: Buffer.alloc(16, 9) })).toBe(digestOf());
  expect(
    digestOf({
      meterId: event.meterId.toLowerCase(),
      resourceUri: event.resourceUri.toUpperCase(),
    }),
  ).toBe(digestOf());
});

test('the digest is what a foreign program makes of the same content', () => {
  // Python: hashlib and mmh3.hash_bytes(content, 0, x64arch=False), see docs/design.md, "Content digest".
  const known = {
    subscriptionId: 'Sub',
    meterId: 'METER',
    resourceUri: '/subscriptions/Sub/Ä',
    usageStartTime: millis(1_575_981_000_123),
    usageEndTime: millis(1_575_981_060_123),
    quantity: quantityToBytes(16_461_425_899_527_967_000_000_000_000_000n as Quantity),
    location: 'local',
    tags: null,
    additionalInfo: '{"a":"ß"}',
  };
  expect(digestOf(known)).toBe(17979363145144072997n);
  const { usageStartTime: start, usageEndTime: end } = known;
  expect(contentOf({ eventId: Buffer.alloc(16), start, end, ...known })).toBe(
    17979363145144072997n,
  );
});

test('fold and audit, which share no code, have one digest of any content', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  const optional = fc.option(text);
  const instants = fc.integer({ min: -(2 ** 44), max: 2 ** 48 }).map(millis);
  fc.assert(
    fc.property(
      fc.record({
        subscriptionId: text,
        meterId: text,
        resourceUri: text,
        usageStartTime: instants,
        usageEndTime: instants,
        quantity: fc
          .bigInt({ min: 0n, max: 10n ** 45n - 1n })
          .map((value) => quantityToBytes(value as Quantity)),
        location: text,
        tags: optional,
        additionalInfo: optional,
      }),
      (content) => {
        const { usageStartTime: start, usageEndTime: end } = content;
        const audited = contentOf({ eventId: Buffer.alloc(16), start, end, ...content });
        expect(digestOf(content)).toBe(audited);
      },
    ),
  );
});
