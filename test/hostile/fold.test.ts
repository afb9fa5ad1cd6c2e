import { keyring, placeOf } from '../support/fold/fixtures.ts';
import { HostileRecords } from './hostile-records.ts';
import { HOSTILE_PROVIDER, judgedTopic } from './hostile-topic.ts';
import { checkFold } from './in-process.ts';
import { longBytes } from './raw-event.ts';
import { strictEvent } from './strict-avro.ts';

const RECORDS = 30_000;

/** Has a name that is too long and of control characters. `npm run test:hostile -- --seed n` tries others. */
const SEED = 322_255;

/** Needs a text of 64 KiB, of which so few records have but a few, or none. */
const RARE = 'text-too-long';

/** All others that a live topic can give without a trim, an end, or records before its rules. */
const FATES = [
  'accepted',
  'conflict',
  'control',
  'duplicate',
  'forged-control',
  'in-future',
  'invalid-control',
  'invalid-identity',
  'invalid-period',
  'invalid-quantity',
  'invalid-text',
  'malformed',
  'negative-quantity',
  'quantity-too-large',
  'spans-hours',
  'too-old',
  'unknown-schema',
  'wrong-key',
  'wrong-partition',
  'wrong-provider',
  'wrong-subscription',
];

test('fold, audit and an independent judge give every hostile record the same code', () => {
  const { misjudged, conserved, fates } = checkFold(SEED, RECORDS);
  const shown = misjudged.map(({ record, folded, audited, judged, count }) => ({
    family: record.family,
    expected: record.expected,
    folded,
    audited,
    judged,
    count,
  }));
  expect(shown).toEqual([]);
  expect(conserved).toBe(true);
  expect([...fates.values()].reduce((a, b) => a + b, 0)).toBe(RECORDS);
  expect([...fates.keys()].filter((fate) => fate !== RARE).sort()).toEqual([...FATES].sort());
});

test('the same seed gives the same records', () => {
  const { source } = placeOf({ partitions: 2, namespaces: HOSTILE_PROVIDER.namespaces });
  const some = (): readonly unknown[] => {
    const topic = judgedTopic(source, keyring[0]);
    const hostile = new HostileRecords({ seed: 7, topic, now: () => source.firstHour });
    return Array.from({ length: 200 }, () => hostile.next());
  };
  expect(some()).toEqual(some());
});

describe('the strict reader', () => {
  const event = Buffer.concat([
    Buffer.alloc(16, 1),
    Buffer.from([2, 0x61, 2, 0x62, 2, 0x63, 3, 4, 2, 5, 0, 0, 2, 2, 0x64]),
  ]);

  test('reads a datum by the specification', () => {
    expect(strictEvent(event)).toEqual({
      eventId: Buffer.alloc(16, 1),
      subscriptionId: Buffer.from('a'),
      meterId: Buffer.from('b'),
      resourceUri: Buffer.from('c'),
      usageStartTime: -2n,
      usageEndTime: 2n,
      quantity: Buffer.from([5]),
      location: Buffer.alloc(0),
      tags: null,
      additionalInfo: Buffer.from('d'),
    });
  });

  test('reads nothing that is cut short or goes on', () => {
    for (let length = 0; length < event.length; length++) {
      expect(strictEvent(event.subarray(0, length))).toBeNull();
    }
    expect(strictEvent(Buffer.concat([event, Buffer.from([0])]))).toBeNull();
  });

  test('takes numbers at the ends of 64 bits', () => {
    for (const value of [0n, -1n, 1n, -(1n << 63n), (1n << 63n) - 1n]) {
      const datum = Buffer.concat([event.subarray(0, 22), longBytes(value), event.subarray(23)]);
      expect(strictEvent(datum)?.usageStartTime).toBe(value);
    }
  });
});
