import { crc32 } from 'node:zlib';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import type { NewRecord } from '../../services/shared/kafka/new-record.ts';
import { partitionOfKey, resourceKey } from '../../services/shared/model/placement.ts';
import { HOUR_MILLIS, hourOf, millis } from '../../services/shared/model/time.ts';
import { encodeEvent, eventOf } from '../support/fold/fixtures.ts';
import { Pipeline } from '../support/pipeline.ts';

const SUBSCRIPTION = '0f723db3-b972-4e48-9aaa-614b04457bf2';
const RECORDS = 40;

let pipeline: Pipeline;
let topic: string;
let misplaced = 0;

const printed = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await pipeline.usagectl(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
};

/** Records as a client of librdkafka places them by default: by CRC-32 of the key, not murmur2. */
beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
  topic =
    (await pipeline.sources()).find((source) => source.topic.endsWith('.compute'))?.topic ?? '';
  const start = hourOf(millis(Date.now()), HOUR_MILLIS);
  const records: readonly [NewRecord[], NewRecord[]] = [[], []];
  for (let n = 0; n < RECORDS; n++) {
    const event = eventOf({
      resourceUri: `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Compute/things/${String(n)}`,
      usageStartTime: start,
      usageEndTime: millis(start + 1),
    });
    const key = resourceKey(event.resourceUri);
    const partition = crc32(key) % 2 === 0 ? 0 : 1;
    records[partition].push({ key, value: encodeEvent(event) });
    if (partition !== partitionOfKey(key, 2)) misplaced++;
  }
  for (const partition of [0, 1] as const) {
    await pipeline.tools.writer.append({ topic, partition }, records[partition]);
  }
  await pipeline.startAggregator();
  await pipeline.settled();
});

afterAll(async () => {
  await pipeline.close();
});

test.each(['status', 'dlq list'])('%s names the setting of the client', async (command) => {
  const text = await printed(...command.split(' '));
  expect(text).toContain(`${topic}: ${String(misplaced)} dead letters are on wrong partitions.`);
  expect(text).toContain('looks like a client with another partitioner');
  expect(text).toContain('partitioner=murmur2_random');
  expect(text).toContain(`usagectl dlq redrive --code wrong-partition --topic ${topic} --yes`);
});

test('status does not say that nothing is wrong while dead letters are open', async () => {
  const text = await printed('status');
  expect(text).not.toContain('Nothing is wrong');
  expect(text).toContain('not all usage is counted');
});

test('dlq show names it for one of them, and programs are told too', async () => {
  const { letters, misplaced: clients } = JSON.parse(await printed('dlq', 'list', '--json')) as {
    letters: readonly { partition: number; offset: number }[];
    misplaced: readonly object[];
  };
  const expected = {
    topic,
    letters: misplaced,
    keys: misplaced,
    agreeing: misplaced,
    partitioner: 'crc32',
    setting: expect.stringContaining('partitioner=murmur2_random') as unknown,
  };
  expect(clients).toMatchObject([expected]);
  const [first] = letters;
  const name = `${topic}/${String(first?.partition)}/${String(first?.offset)}`;
  expect(await printed('dlq', 'show', name)).toContain('partitioner=murmur2_random');
  const shown = JSON.parse(await printed('dlq', 'show', name, '--json')) as object;
  expect(shown).toMatchObject({ code: 'wrong-partition', misplaced: expected });
});

test('one redrive puts all of them right, and each counts once', async () => {
  await printed('dlq', 'redrive', '--code', 'wrong-partition', '--topic', topic, '--yes');
  await pipeline.settled();
  const rows = await queryRows<Record<string, string>>(
    pipeline.stack.clickHouse,
    `SELECT toString(sum(accepted)) AS accepted, toString(sum(duplicate)) AS duplicate,
       toString(sum(dead_lettered)) AS dead FROM checkpoints FINAL WHERE topic = {topic:String}`,
    { topic },
  );
  expect(rows).toEqual([{ accepted: String(RECORDS), duplicate: '0', dead: String(misplaced) }]);
  expect(await printed('dlq', 'list')).toContain('No open dead letters match.');
  expect(await printed('status')).not.toContain('wrong partitions');
});
