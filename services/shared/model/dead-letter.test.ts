import { deadLetterRecord } from './dead-letter.ts';
import { millis } from './time.ts';

const KIB = 1024;
const PLACE = { topic: 'usage.events.compute', epoch: 1, partition: 0 };

const copyOf = (keyBytes: number, valueBytes: number) =>
  deadLetterRecord(
    PLACE,
    {
      offset: 5,
      timestamp: millis(0),
      key: Buffer.alloc(keyBytes, 1),
      value: Buffer.alloc(valueBytes, 2),
      headers: {},
    },
    'malformed',
    'it cannot be read',
  );

test.each([
  ['a key that fills the record', 1_046_000, 200],
  ['a value that fills it', 100, 1_046_000],
  ['the largest that is kept whole', 1_024 * KIB, 640 * KIB],
])('%s is whole on the topic of the dead letters', (_, keyBytes, valueBytes) => {
  const { key, value, headers } = copyOf(keyBytes, valueBytes);
  expect([key?.length, value?.length]).toEqual([keyBytes, valueBytes]);
  expect(Object.keys(headers).filter((name) => /bytes|sha256/.test(name))).toEqual([]);
});

test('of a record that is larger than that, key and value are cut, and their lengths told', () => {
  const { key, value, headers } = copyOf(1_024 * KIB, 2_000 * KIB);
  expect([key?.length, value?.length]).toEqual([128 * KIB, 1_536 * KIB]);
  expect(headers).toMatchObject({
    'usage-dlq-key-bytes': String(1_024 * KIB),
    'usage-dlq-value-bytes': String(2_000 * KIB),
  });
});
