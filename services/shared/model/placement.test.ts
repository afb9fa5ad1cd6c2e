import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import {
  asciiLower,
  murmur2,
  namespaceOf,
  partitionOfKey,
  resourceKey,
  subscriptionOf,
} from './placement.ts';

/** Source: Apache Kafka, `UtilsTest.testMurmur2`. */
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('murmur2 of %s is what Kafka has', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash);
});

test('a key goes where Kafka’s default partitioner puts it', () => {
  const partitioner = Partitioners.DefaultPartitioner();
  const metadata = (partitions: number) =>
    Array.from({ length: partitions }, (_, partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 0,
      replicas: [],
      isr: [],
    }));
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 20, maxLength: 200 })),
      fc.integer({ min: 1, max: 50 }),
      (key, partitions) => {
        const theirs = partitioner({
          topic: 't',
          partitionMetadata: metadata(partitions),
          message: { key: Buffer.from(key), value: null },
        });
        expect(partitionOfKey(key, partitions)).toBe(theirs);
        expect(partitionOfKey(Buffer.from(key), partitions)).toBe(theirs);
      },
    ),
  );
});

test('identity ignores the case of ASCII letters and of no others', () => {
  expect(asciiLower('AZaz-09')).toBe('azaz-09');
  // Among them the Kelvin sign, whose lower case is an ASCII letter.
  expect(asciiLower('ÄÉ\u0130\u212A')).toBe('ÄÉ\u0130\u212A');
  expect(resourceKey('/Subscriptions/É')).toBe('/subscriptions/É');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const lower = Array.from(text)
        .map((char) => (/^[A-Z]$/.test(char) ? char.toLowerCase() : char))
        .join('');
      expect(asciiLower(text)).toBe(lower);
      expect(Buffer.byteLength(asciiLower(text))).toBe(Buffer.byteLength(text));
    }),
  );
});

test.each([
  [
    '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm',
    'microsoft.compute',
  ],
  ['/SUBSCRIPTIONS/S/PROVIDERS/MICROSOFT.COMPUTE', 'microsoft.compute'],
  ['/providers/A/x/providers/B/y', 'a'],
  ['/subscriptions/s/providers/', null],
  ['/subscriptions/s/resourceGroups/g', null],
  ['providers/Microsoft.Compute', null],
  ['', null],
])('the namespace of %s is %s', (uri, namespace) => {
  expect(namespaceOf(uri)).toBe(namespace);
});

test.each([
  ['/subscriptions/Abc/resourceGroups/g', 'Abc'],
  ['/SUBSCRIPTIONS/Abc', 'Abc'],
  ['/tenants/t/subscriptions/Abc', null],
  ['subscriptions/Abc', null],
  ['/subscriptions//x', null],
])('the subscription of %s is %s', (uri, subscription) => {
  expect(subscriptionOf(uri)).toBe(subscription);
});

test('a namespace is the very segment after the first /providers/, without the case of ASCII letters', () => {
  expect(namespaceOf('/subscriptions/s/providers/Microsoft.COMPUTE/x')).toBe('microsoft.compute');
  expect(namespaceOf('/subscriptions/s/providers/Microsoft.Networ\u212a/x')).not.toBe(
    'microsoft.network',
  );
  expect(namespaceOf('/subscriptions/s/providers//providers/Microsoft.Compute/x')).toBeNull();
});
