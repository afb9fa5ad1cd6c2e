import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { HOUR_MILLIS } from '../../services/shared/model/time.ts';
import { halted } from '../support/halted.ts';
import { changeBatch } from '../support/kafka/segment.ts';
import { setTopic } from '../support/kafka/set-topic.ts';
import { Pipeline } from '../support/pipeline.ts';
import { queryNumbers } from '../support/query-numbers.ts';
import { waitFor } from '../support/wait-for.ts';
import { conservationProblems } from '../support/workload/conservation.ts';
import type { Emission } from '../support/workload/emission.ts';
import { usageNow } from '../support/workload/usage-now.ts';

/** A partition whose log cannot be read somewhere, and what a person can do about it. */
const EVENTS = 400;

let pipeline: Pipeline;
let compute: RegisteredSource;

beforeEach(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
  compute = await sourceOf('.compute');
});

afterEach(async () => {
  await pipeline.close();
});

const sourceOf = async (ending: string): Promise<RegisteredSource> => {
  const found = (await pipeline.sources()).find(({ topic }) => topic.endsWith(ending));
  if (!found) throw new Error(`there is no source ${ending}`);
  return found;
};

const produce = async (seed: number): Promise<readonly Emission[]> => {
  const topics = await pipeline.sources();
  const emissions = usageNow(seed, { events: EVENTS, topics, shares: {} });
  await pipeline.produce(emissions);
  return emissions;
};

/** The partition that is damaged here. */
const place = () => ({ topic: compute.topic, partition: 0 });

const highOf = async (): Promise<number> => {
  const offsets = await pipeline.admin.fetchTopicOffsets(compute.topic);
  return Number(offsets.find(({ partition }) => partition === 0)?.high);
};

const flipBit = (batch: Buffer): void => {
  batch.writeUInt8(batch.readUInt8(80) ^ 1, 80);
};

const numbers = (query: string): Promise<Record<string, number>> =>
  queryNumbers(pipeline.stack.clickHouse, query);

const held = (): Promise<Record<string, number>> =>
  numbers(`SELECT count() AS ledger, uniqExact(event_id) AS ids,
    (SELECT sum(event_count) FROM usage_hourly FINAL) AS windows FROM usage_events FINAL`);

const lost = async (): Promise<number | undefined> =>
  (await numbers('SELECT sum(lost) AS lost FROM checkpoints FINAL'))['lost'];

const nextOffset = async (partition: number): Promise<number | undefined> =>
  (await pipeline.nextOffsets()).get(`${compute.topic}/1[${String(partition)}]`);

test('one-damaged-batch: its partition halts alone, every command says so, and the loss can be accepted', async () => {
  await produce(1);
  const from = await highOf();
  const unread = await produce(2);
  const next = await highOf();
  await produce(3);
  await changeBatch(place(), from, flipBit);
  const aggregator = await pipeline.startAggregator();
  const line = await halted(aggregator, 'unreadable');
  const where = `offsets ${String(from)} to ${String(next - 1)}: the batch is damaged: its checksum does not match`;
  expect(line).toContain(where);
  expect(line).toContain('docs/operations.md');
  await waitFor('the other partitions are counted to their ends', async () => {
    const { ledger = 0 } = await held();
    const behind = next - from + ((await highOf()) - next);
    return ledger >= 3 * EVENTS - behind;
  });
  expect(await nextOffset(0)).toBe(from);

  const shown = await pipeline.usagectl('loss', 'show');
  expect(shown).toMatchObject({ code: 1, stderr: '' });
  expect(shown.stdout).toContain(where);
  expect(shown.stdout).toContain(`usagectl loss accept ${compute.topic}`);

  const audited = await pipeline.usagectl('audit', '--no-billing');
  expect(audited.code).toBe(1);
  expect(audited.stdout).toContain(`${compute.topic}[0] cannot be read at ${where}`);
  expect(audited.stdout).toContain('1 difference.');

  const sealed = await pipeline.usagectl('epoch', 'new', compute.topic, '--reason', 'x');
  expect(sealed.code).toBe(1);
  expect(sealed.stderr).toContain(where);
  expect(sealed.stderr).toContain('loss accept');

  const accepted = await pipeline.usagectl('loss', 'accept', compute.topic, '--reason', 'a disk');
  expect(accepted).toMatchObject({ code: 0, stderr: '' });
  await pipeline.settled();
  expect(await lost()).toBe(next - from);
  expect((await pipeline.usagectl('loss', 'show')).stdout).toContain('No records are lost');
  await pipeline.produce(unread); // the provider sends it again
  await pipeline.settled();
  await pipeline.stopAll();
  expect(await held()).toEqual({ ledger: 3 * EVENTS, ids: 3 * EVENTS, windows: 3 * EVENTS });
  expect(await conservationProblems(pipeline.stack.clickHouse)).toEqual([]);
  const again = await pipeline.usagectl('audit', '--no-billing');
  expect(again.stdout).toContain('No difference');
  expect(again.code).toBe(0);
});

test('a batch that can be read again, since the broker has it back, is counted without anybody', async () => {
  const from = await highOf();
  await produce(1);
  await changeBatch(place(), from, flipBit);
  const aggregator = await pipeline.startAggregator({ AGGREGATOR_VERIFY_MILLIS: '300' });
  await halted(aggregator, 'unreadable');
  await changeBatch(place(), from, flipBit);
  await pipeline.settled();
  await pipeline.stopAll();
  expect(await held()).toMatchObject({ ledger: EVENTS, windows: EVENTS });
  expect(await lost()).toBe(0);
});

test('a batch that was counted and cannot be read any more halts its partition too, and nothing of it counts as lost', async () => {
  const from = await highOf();
  await produce(1);
  const aggregator = await pipeline.startAggregator();
  await pipeline.settled();
  await aggregator.stop();
  await changeBatch(place(), from, flipBit);
  const audited = await pipeline.usagectl('audit', '--no-billing', '--source', compute.topic);
  expect(audited.code).toBe(1);
  expect(audited.stdout).toContain(`${compute.topic}[0] cannot be read at`);
  const again = await pipeline.startAggregator();
  await halted(again, 'unreadable');
  const accepted = await pipeline.usagectl('loss', 'accept', compute.topic, '--reason', 'a disk');
  expect(accepted).toMatchObject({ code: 0, stderr: '' });
  await produce(2);
  await pipeline.settled();
  await pipeline.stopAll();
  expect(await held()).toMatchObject({ ledger: 2 * EVENTS, windows: 2 * EVENTS });
  expect(await lost()).toBe(0);
  const after = await pipeline.usagectl('audit', '--no-billing');
  expect(after.stdout).toContain('No difference');
});

test('a log that has lost its form is read on where the broker finds a batch again', async () => {
  await produce(1);
  const from = await highOf();
  for (let seed = 2; seed < 8; seed++) await produce(seed);
  await changeBatch(place(), from, (batch) => batch.writeInt32BE(2_000_000_000, 8));
  const aggregator = await pipeline.startAggregator();
  await halted(aggregator, 'unreadable');
  expect(await nextOffset(0)).toBe(from);
  const accepted = await pipeline.usagectl('loss', 'accept', compute.topic, '--reason', 'a disk');
  expect(accepted).toMatchObject({ code: 0, stderr: '' });
  await pipeline.settled();
  await pipeline.stopAll();
  const gone = (await lost()) ?? 0;
  expect(gone).toBeGreaterThan(0);
  expect(await held()).toMatchObject({ ledger: 7 * EVENTS - gone, windows: 7 * EVENTS - gone });
  expect(await conservationProblems(pipeline.stack.clickHouse)).toEqual([]);
});

test.each(['lz4', 'zstd', 'snappy', 'gzip'])(
  'one-lz4-batch-stops-all: usage, dead letters and aggregates that stand in %s are counted and audited',
  async (codec) => {
    const { admin } = pipeline;
    const prefix = pipeline.stack.config.USAGE_TOPIC_PREFIX;
    const aggregator = await pipeline.startAggregator();
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${prefix}.`));
    for (const topic of topics) await setTopic(admin, topic, 'compression.type', codec);
    await produce(1);
    await pipeline.settled();
    await aggregator.stop();
    expect(await held()).toMatchObject({ ledger: EVENTS, windows: EVENTS });
    const audited = await pipeline.usagectl('audit');
    expect(audited).toMatchObject({ code: 0 });
    expect(audited.stdout).toContain('No difference');
    const refused = await pipeline.usagectl('provision');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`has compression.type=${codec} instead of uncompressed`);
    expect(refused.stderr).toContain('stays readable');
  },
);
