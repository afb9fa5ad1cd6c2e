import { GroupReader, type PartitionReaders } from '../../services/shared/kafka/group-reader.ts';
import { openKafkaAdmin } from '../../services/shared/kafka/admin.ts';
import { LogReader } from '../../services/shared/kafka/log-reader.ts';
import { openLogWriter, type LogWriter } from '../../services/shared/kafka/log-writer.ts';
import type { LogRecord, TopicPartition } from '../../services/shared/model/log-record.ts';
import { recordsOf } from '../../services/shared/model/record-batch.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import { waitFor } from '../support/wait-for.ts';

let stack: TestStack;
let writer: LogWriter;
let topic: string;
const crashes: Error[] = [];

beforeAll(async () => {
  stack = await openTestStack();
  writer = await openLogWriter(stack.kafka);
  topic = `${stack.config.USAGE_TOPIC_PREFIX}.reader`;
  const admin = stack.kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true });
  await admin.disconnect();
});

afterAll(async () => {
  await writer.close();
  await stack.close();
  expect(crashes).toEqual([]);
});

const append = async (partition: number, count: number): Promise<void> => {
  const records = Array.from({ length: count }, (_, n) => ({
    key: null,
    value: Buffer.from(String(n)),
  }));
  await writer.append({ topic, partition }, records);
};

/** Reads from the start and keeps what it is given, unless `hold` says to wait. */
const keeper = (
  hold: (at: TopicPartition) => Promise<void> = () => Promise.resolve(),
): PartitionReaders & { readonly offsets: Map<number, number[]> } => {
  const offsets = new Map<number, number[]>();
  return {
    offsets,
    assigned: () => Promise.resolve(),
    position: ({ partition }) => Promise.resolve(((offsets.get(partition) ?? []).at(-1) ?? -1) + 1),
    consume: async (at, batches) => {
      await hold(at);
      const kept = offsets.get(at.partition) ?? [];
      offsets.set(at.partition, [...kept, ...recordsOf(batches).map(({ offset }) => offset)]);
      return true;
    },
    unreadable: (at, batch) => Promise.reject(new Error(`${at.topic}: ${batch.problem}`)),
    stalled: () => undefined,
  };
};

const readerOf = (readers: PartitionReaders, group: string): GroupReader =>
  new GroupReader(stack.kafka, readers, {
    groupId: `${topic}-${group}`,
    topics: [topic],
    sessionTimeout: 2_000,
    onCrash: (error) => crashes.push(error),
  });

const inOrder = (offsets: readonly number[] | undefined, from: number): boolean =>
  offsets?.every((offset, n) => offset === from + n) ?? false;

test('a partition whose reader takes long does not hold up the others, and loses nothing', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const readers = keeper((at) => (at.partition === 0 ? held : Promise.resolve()));
  const reader = readerOf(readers, 'slow');
  await append(0, 10);
  await reader.start();
  await append(1, 10);
  await waitFor('the other partition is read', () =>
    Promise.resolve(readers.offsets.get(1)?.length === 10),
  );
  await append(1, 10);
  await append(0, 10);
  await waitFor('it is read on', () => Promise.resolve(readers.offsets.get(1)?.length === 20));
  expect(readers.offsets.get(0)).toBeUndefined();
  release();
  await waitFor('the slow one is read', () =>
    Promise.resolve(readers.offsets.get(0)?.length === 20),
  );
  expect(inOrder(readers.offsets.get(0), 0)).toBe(true);
  expect(inOrder(readers.offsets.get(1), 0)).toBe(true);
  await reader.stop();
});

test('a reader may be stopped while its group is being rebalanced', async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => {
    unhandled.push(error);
  };
  process.on('unhandledRejection', note);
  for (let round = 0; round < 8; round++) {
    const first = readerOf(keeper(), 'stop');
    const second = readerOf(keeper(), 'stop');
    await first.start();
    const joining = second.start();
    await new Promise((resolve) => setTimeout(resolve, 40 * round));
    await first.stop();
    await joining;
    await second.stop();
  }
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

test('sought back at any moment, a reader is given every record in order', async () => {
  const readers = keeper();
  const reader = readerOf(readers, 'seek');
  await reader.start();
  for (let round = 0; round < 20; round++) {
    await append(0, 50);
    await reader.reposition({ topic, partition: 0 });
  }
  await waitFor('all are read', () =>
    Promise.resolve((readers.offsets.get(0)?.length ?? 0) >= 20 + 20 * 50),
  );
  expect(inOrder(readers.offsets.get(0), 0)).toBe(true);
  await reader.stop();
});

test('a log is read from one offset up to another, some records at a time', async () => {
  await append(0, 12_000);
  const admin = await openKafkaAdmin(stack.kafka);
  const log = await LogReader.open(stack.kafka, admin, [topic]);
  const at = { topic, partition: 0 };
  const given: number[] = [];
  const sizes: number[] = [];
  const take = async (records: readonly LogRecord[], next: number): Promise<void> => {
    sizes.push(records.length);
    given.push(...records.map(({ offset }) => offset));
    await Promise.resolve();
    expect(next).toBe((given.at(-1) ?? 0) + 1);
  };
  await log.read(at, 7, 11_990, take);
  expect(given).toHaveLength(11_983);
  expect(inOrder(given, 7)).toBe(true);
  expect(Math.max(...sizes)).toBeLessThan(11_983);

  let seen = 0;
  await log.read(at, 0, 11_990, (records) => {
    seen += records.length;
    return Promise.resolve('enough');
  });
  expect(seen).toBeLessThan(11_990);
  expect((await log.recordAt(at, 9_000))?.offset).toBe(9_000);
  await log.close();
  await admin.close();
});
