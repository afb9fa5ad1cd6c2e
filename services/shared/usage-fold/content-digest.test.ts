import { eventOf, hour } from '../../../test/support/fold/fixtures.ts';
import { asciiLower } from '../model/placement.ts';
import { millis } from '../model/time.ts';
import { contentDigest } from './content-digest.ts';
import type { JudgedEvent } from './verdict.ts';

const event: JudgedEvent = { ...eventOf(), quantity: Buffer.from([1, 2]), tags: '' };

const digestOf = (changes: Partial<JudgedEvent> = {}): bigint => {
  const changed = { ...event, ...changes };
  return contentDigest(changed, {
    subscriptionKey: asciiLower(changed.subscriptionId),
    meterKey: asciiLower(changed.meterId),
    resourceKey: asciiLower(changed.resourceUri),
  });
};

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

test('neither the id nor the letters’ case in identities changes it', () => {
  expect(digestOf({ eventId: Buffer.alloc(16, 9) })).toBe(digestOf());
  expect(
    digestOf({
      meterId: event.meterId.toLowerCase(),
      resourceUri: event.resourceUri.toUpperCase(),
    }),
  ).toBe(digestOf());
});

test('the digest is what the stored ledger holds: it never changes', () => {
  expect(digestOf()).toBe(8_956_572_245_568_817_634n);
});
