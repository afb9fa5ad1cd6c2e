import kafkajs, { type Admin } from 'kafkajs';
import { readFetchesWithin } from '../../services/shared/kafka/fetch/install.ts';
import type { UnreadableAt } from '../../services/shared/kafka/fetched-batch.ts';
import { GroupReader } from '../../services/shared/kafka/group-reader.ts';
import { openLogWriter, type LogWriter } from '../../services/shared/kafka/log-writer.ts';
import type { LogRecord } from '../../services/shared/model/log-record.ts';
import { recordsOf } from '../../services/shared/model/record-batch.ts';
import { withChecksum } from '../support/kafka/record-batch.ts';
import { changeBatch } from '../support/kafka/segment.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** Reading what a broker holds, whatever its batches are. */
let stack: TestStack;
let admin: Admin;
let writer: LogWriter;
let topics = 0;
const crashes: Error[] = [];

beforeAll(async () => {
  stack = await openTestStack();
  admin = stack.kafka.admin();
  await admin.connect();
  writer = await openLogWriter(stack.kafka);
});

afterAll(async () => {
  await writer.close();
  await admin.disconnect();
  await stack.close();
  expect(crashes).toEqual([]);
});

const createTopic = async (compression: string, partitions = 1): Promise<string> => {
  const topic = `${stack.config.USAGE_TOPIC_PREFIX}.unreadable-${String(topics++)}`;
  const configEntries = [
    { name: 'compression.type', value: compression },
    { name: 'max.message.bytes', value: String(8 * 1024 * 1024) },
  ];
  await admin.createTopics({
    topics: [{ topic, numPartitions: partitions, configEntries }],
    waitForLeaders: true,
  });
  return topic;
};

/** Appends a batch of three records, and says where it begins. */
const appendBatch = async (topic: string, partition = 0, filling = ''): Promise<number> => {
  const records = ['a', 'b', 'c'].map((name) => ({
    key: name,
    value: Buffer.from(`${name}${filling}`.repeat(300)),
    headers: { name },
  }));
  const [appended] = await writer.append({ topic, partition }, records);
  return appended?.firstOffset ?? -1;
};

interface Partition {
  readonly records: LogRecord[];
  trouble: UnreadableAt | null;
}

/** Reads a topic from its beginning, until all is read that can be. */
const readAll = async (
  topic: string,
  isDone: (partitions: readonly Partition[]) => boolean,
): Promise<readonly Partition[]> => {
  const partitions: Partition[] = [0, 1].map(() => ({ records: [], trouble: null }));
  const found = (number: number): Partition => {
    const partition = partitions[number];
    if (!partition) throw new Error(`no partition ${String(number)} is expected`);
    return partition;
  };
  const reader = new GroupReader(
    stack.kafka,
    {
      assigned: () => Promise.resolve(),
      position: ({ partition }) => {
        const last = found(partition).records.at(-1);
        return Promise.resolve(last ? last.offset + 1 : 0);
      },
      consume: ({ partition }, batches) => {
        found(partition).records.push(...recordsOf(batches));
        return Promise.resolve(true);
      },
      unreadable: ({ partition }, batch) => {
        found(partition).trouble = batch;
        return Promise.resolve();
      },
      stalled: () => undefined,
    },
    {
      groupId: topic,
      topics: [topic],
      sessionTimeout: 10_000,
      onCrash: (error) => crashes.push(error),
    },
  );
  await reader.start();
  try {
    await waitFor('all is read', () => Promise.resolve(crashes.length > 0 || isDone(partitions)));
  } finally {
    await reader.stop();
  }
  return partitions;
};

const offsetsOf = (partition: Partition | undefined): number[] | undefined =>
  partition?.records.map(({ offset }) => offset);

test.each(['gzip', 'snappy', 'lz4', 'zstd'])(
  'one-lz4-batch-stops-all: records that the broker keeps with %s are read',
  async (codec) => {
    const topic = await createTopic(codec);
    const filling = 'x'.repeat(1_000); // several blocks
    await appendBatch(topic, 0, filling);
    const [partition] = await readAll(topic, ([first]) => first?.records.length === 3);
    expect(partition?.trouble).toBeNull();
    expect(
      partition?.records.map(({ key, value, headers }) => [
        String(key),
        String(value) === `${String(key)}${filling}`.repeat(300),
        headers,
      ]),
    ).toEqual(['a', 'b', 'c'].map((name) => [name, true, { name }]));
  },
);

test.each<[string, (batch: Buffer) => void, Partial<UnreadableAt>]>([
  [
    'is compressed in a way that Kafka does not have',
    (batch) => {
      batch.writeInt16BE(batch.readInt16BE(21) | 7, 21);
      withChecksum(batch);
    },
    { kind: 'codec', from: 3, next: 6 },
  ],
  [
    'fails its checksum',
    (batch) => batch.writeUInt8(batch.readUInt8(70) ^ 1, 70),
    { kind: 'damaged', from: 3, next: 6 },
  ],
  [
    'has lost its length',
    (batch) => batch.writeInt32BE(2_000_000_000, 8),
    { kind: 'withheld', from: 3 },
  ],
  ['is zeros', (batch) => batch.fill(0), { kind: 'damaged', from: 3 }],
])(
  'a batch that %s stops its partition in front of it, and no other',
  async (_, change, expected) => {
    const topic = await createTopic('uncompressed', 2);
    for (const partition of [0, 1]) {
      for (let n = 0; n < 3; n++) await appendBatch(topic, partition);
    }
    await changeBatch({ topic, partition: 0 }, 4, change);
    const [damaged, other] = await readAll(
      topic,
      ([first, second]) => first?.trouble !== null && second?.records.length === 9,
    );
    expect(offsetsOf(damaged)).toEqual([0, 1, 2]);
    expect(damaged?.trouble).toMatchObject(expected);
    expect(offsetsOf(other)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(other?.trouble).toBeNull();
  },
);

test('a batch beyond the memory that one may take stops its partition in front of it, and no other', async () => {
  const topic = await createTopic('gzip', 2);
  await appendBatch(topic, 0);
  await appendBatch(topic, 0, ' '.repeat(10_000));
  await appendBatch(topic, 1);
  readFetchesWithin(1024 * 1024);
  try {
    const [large, other] = await readAll(
      topic,
      ([first, second]) => first?.trouble !== null && second?.records.length === 3,
    );
    expect(offsetsOf(large)).toEqual([0, 1, 2]);
    expect(large?.trouble).toMatchObject({ kind: 'too-large', from: 3, next: 4 });
    expect(large?.trouble?.problem).toContain('KAFKA_MAX_BATCH_MIB');
    expect(other?.trouble).toBeNull();
  } finally {
    readFetchesWithin(stack.config.KAFKA_MAX_BATCH_MIB * 1024 * 1024);
  }
});

test('records of a gzip producer are read as before', async () => {
  const topic = await createTopic('producer');
  const producer = stack.kafka.producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const compression = kafkajs.CompressionTypes.GZIP;
  const messages = [{ key: 'k', value: 'v', headers: { h: ['1', '2'] } }];
  await producer.send({ topic, compression, messages });
  await producer.disconnect();
  const [partition] = await readAll(topic, ([first]) => first?.records.length === 1);
  expect(partition?.records[0]).toMatchObject({ headers: { h: '1,2' } });
});
