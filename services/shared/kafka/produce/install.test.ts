import fc from 'fast-check';
import produce, { type ProduceOptions } from 'kafkajs/src/protocol/requests/produce/index.js';
import { millis } from '../../model/time.ts';
import type { NewRecord } from '../new-record.ts';
import { batchMessage, encodeProduce, sendBatches } from './install.ts';

/** kafkajs's own request, whatever is installed later. */
const { protocol: kafkaJs } = produce;

const NOW = 1_750_000_000_000;

const request = (partitions: ProduceOptions['topicData'][0]['partitions']): ProduceOptions => ({
  acks: -1,
  timeout: 30_000,
  topicData: [{ topic: 'thé', partitions }],
});

interface ProducerState {
  readonly producerId?: number;
  readonly producerEpoch: number;
  readonly firstSequence: number;
}

/** What kafkajs sends for the same records. It says 0 for the producer's epoch where Java says -1. */
const byKafkaJs = async (
  given: readonly (readonly NewRecord[])[],
  { firstSequence, ...producer }: ProducerState = { producerEpoch: -1, firstSequence: -1 },
): Promise<Buffer> => {
  const partitions = given.map((records, partition) => ({
    partition,
    firstSequence,
    messages: records.map(({ timestamp, ...record }) => ({
      ...record,
      headers: { ...record.headers },
      timestamp: String(timestamp ?? NOW),
    })),
  }));
  const options = { ...request(partitions), ...producer };
  const { buffer } = (await kafkaJs({ version: 7 })(options).request.encode()) as {
    readonly buffer: Buffer;
  };
  return buffer;
};

const bytes = fc.oneof(
  fc.constant(null),
  fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
);
const records = fc.array(
  fc.record(
    {
      key: fc.oneof(bytes, fc.string({ unit: 'grapheme' })),
      value: bytes,
      headers: fc.dictionary(fc.string(), fc.string({ unit: 'grapheme', maxLength: 90 })),
      // kafkajs sorts times as texts.
      timestamp: fc.integer({ min: 1_000_000_000_000, max: 9_999_999_999_999 }).map(millis),
    },
    { requiredKeys: ['key', 'value'] },
  ),
  { minLength: 1, maxLength: 150 },
) as fc.Arbitrary<NewRecord[]>;

test('batches are sent byte for byte as kafkajs would send them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(records, { minLength: 1, maxLength: 3 }), async (given) => {
      const timed = given.map((each) =>
        each.map((record) => ({ timestamp: millis(NOW), ...record })),
      );
      const partitions = timed.map((each, partition) => ({
        partition,
        messages: [batchMessage(partition, each)],
      }));
      const encoded = encodeProduce(request(partitions), NOW);
      expect(encoded?.buffer).toEqual(await byKafkaJs(timed));
    }),
  );
});

test('a batch with a sequence says whose it is, as kafkajs would', async () => {
  const producers = fc.record({
    producerId: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    producerEpoch: fc.integer({ min: 0, max: 32_767 }),
    firstSequence: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  });
  await fc.assert(
    fc.asyncProperty(records, producers, async (given, producer) => {
      const timed = given.map((record) => ({ timestamp: millis(NOW), ...record }));
      const messages = [batchMessage(0, timed, producer.firstSequence)];
      const options = { ...request([{ partition: 0, messages }]), ...producer };
      expect(encodeProduce(options, NOW)?.buffer).toEqual(await byKafkaJs([timed], producer));
    }),
  );
});

test('a batch with a sequence is not sent by a producer without an id', () => {
  const messages = [batchMessage(0, [{ key: null, value: null }], 0)];
  const options = request([{ partition: 0, messages }]);
  for (const producer of [{}, { producerId: -1, producerEpoch: 0 }]) {
    expect(() => encodeProduce({ ...options, ...producer }, NOW)).toThrow(
      'needs an idempotent producer',
    );
  }
});

test('a record without a timestamp gets the time of sending', async () => {
  const given = [{ key: 'a', value: null }];
  const message = batchMessage(0, given);
  const encoded = encodeProduce(request([{ partition: 0, messages: [message] }]), NOW);
  expect(encoded?.buffer).toEqual(await byKafkaJs([given]));
});

test('other messages are left to kafkajs, and a batch is never sent as one empty record', () => {
  const plain = { key: null, value: 'x' };
  const batch = batchMessage(0, [{ key: null, value: null }]);
  const encode = (...messages: (typeof plain | typeof batch)[]): unknown =>
    encodeProduce(request([{ partition: 0, messages }]), NOW);
  expect(encode(plain)).toBeNull();
  expect(() => encode(batch, plain)).toThrow('a batch is sent alone');
  expect(() => encode(plain, batch)).toThrow('a batch is sent alone');
});

test('a broker that takes another form is refused, with what to do', () => {
  sendBatches();
  expect(() => produce.protocol({ version: 2 })).toThrow('Kafka is older than 0.11');
  expect(produce.protocol({ version: 3 })).toEqual(expect.any(Function));
});
