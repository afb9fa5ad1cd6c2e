import { openSource } from '../../services/shared/sources/source-opening.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { HOUR_MILLIS } from '../../services/shared/model/time.ts';
import { halted } from '../support/halted.ts';
import { Pipeline, STORAGE_ONLY } from '../support/pipeline.ts';
import { queryNumbers } from '../support/query-numbers.ts';
import { waitFor } from '../support/wait-for.ts';
import { conservationProblems } from '../support/workload/conservation.ts';
import type { Emission } from '../support/workload/emission.ts';
import { usageNow } from '../support/workload/usage-now.ts';

const EVENTS = 600;

let pipeline: Pipeline;
let storage: RegisteredSource;

beforeEach(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS, STORAGE_ONLY);
  storage = await pipeline.onlySource();
});

afterEach(async () => {
  await pipeline.close();
});

/** Usage that is counted to its end before anything is lost. */
const countedUsage = async (): Promise<readonly Emission[]> => {
  const emissions = await produceNew(1);
  const aggregator = await pipeline.startAggregator();
  await pipeline.settled();
  await aggregator.stop();
  return emissions;
};

const produceNew = async (seed: number): Promise<readonly Emission[]> => {
  const topics = [await pipeline.onlySource()];
  const emissions = usageNow(seed, { events: EVENTS, topics, shares: {} });
  await pipeline.produce(emissions);
  return emissions;
};

/** A provider that sends its usage again, to the present epoch of the topic. */
const produceAgain = async (emissions: readonly Emission[]): Promise<void> => {
  const { epoch } = await pipeline.onlySource();
  await pipeline.produce(emissions.map((emission) => ({ ...emission, epoch })));
};

const run = async (...args: readonly string[]): Promise<string> => {
  const result = await pipeline.usagectl(...args);
  expect(result).toMatchObject({ code: 0, stderr: '' });
  return result.stdout;
};

const refused = async (...args: readonly string[]): Promise<string> => {
  const result = await pipeline.usagectl(...args);
  expect(result.code).toBe(1);
  return result.stderr;
};

const numbers = (query: string): Promise<Record<string, number>> =>
  queryNumbers(pipeline.stack.clickHouse, query);

const counts = (): Promise<Record<string, number>> =>
  numbers(`SELECT sum(accepted) AS accepted, sum(duplicate) AS duplicate, sum(lost) AS lost,
    max(next_offset) AS next FROM checkpoints FINAL`);

/** Rows of the ledger, ids in it, and events in windows, over all epochs. */
const held = (): Promise<Record<string, number>> =>
  numbers(`SELECT count() AS ledger, uniqExact(event_id) AS ids,
    (SELECT sum(event_count) FROM usage_hourly FINAL) AS windows FROM usage_events FINAL`);

const highOf = async (topic: string): Promise<number> =>
  Number((await pipeline.admin.fetchTopicOffsets(topic))[0]?.high);

/** An aggregator that dies within a flush: rows stand beyond its checkpoint. */
const dieInFlush = async (): Promise<number> => {
  const before = await held();
  const aggregator = await pipeline.startAggregator({ USAGE_FAILPOINT: 'after-windows:1' });
  await aggregator.exited;
  const beyond = ((await held())['ledger'] ?? 0) - (before['ledger'] ?? 0);
  expect(beyond).toBeGreaterThan(0);
  return beyond;
};

test('behind records that expired unread counting goes on when that is accepted, and nothing counts twice', async () => {
  await countedUsage();
  const second = await produceNew(2);
  const { next: from = 0 } = await counts();
  const beyond = await dieInFlush();
  const third = await produceNew(3);
  const high = await highOf(storage.topic);
  const low = high - 100;
  await pipeline.admin.deleteTopicRecords({
    topic: storage.topic,
    partitions: [{ partition: 0, offset: String(low) }],
  });

  const aggregator = await pipeline.startAggregator();
  await halted(aggregator, 'lost-records');
  const { stdout: shown, code } = await pipeline.usagectl('loss', 'show');
  expect(code).toBe(1);
  expect(shown).toContain(`the log begins at offset ${String(low)}`);
  expect(shown).toContain(`usagectl loss accept ${storage.topic}`);
  expect(await refused('epoch', 'new', storage.topic, '--reason', 'x')).toContain('loss accept');
  await run('loss', 'accept', storage.topic, '--reason', 'retention was too short');

  await pipeline.settled();
  expect(await counts()).toMatchObject({
    accepted: EVENTS + beyond + 100,
    lost: low - from - beyond,
  });
  expect(await run('loss', 'show')).toContain('No records are lost');
  await produceAgain(second);
  await produceAgain(third);
  await pipeline.settled();
  await pipeline.stopAll();
  expect(await held()).toEqual({ ledger: 3 * EVENTS, ids: 3 * EVENTS, windows: 3 * EVENTS });
  expect((await counts())['duplicate']).toBe(beyond + 100);
  expect(await conservationProblems(pipeline.stack.clickHouse)).toEqual([]);
  expect(await run('audit', '--no-billing')).toContain('No difference');
});

const deleteTopic = async (): Promise<void> => {
  const { admin } = pipeline;
  await admin.deleteTopics({ topics: [storage.topic] });
  await waitFor(
    'the topic is gone',
    async () => !(await admin.listTopics()).includes(storage.topic),
  );
};

const expectNextLife = async (
  beyond: number,
  first: readonly Emission[],
  unread: readonly Emission[],
): Promise<void> => {
  expect(await refused('epoch', 'new', storage.topic, '--reason', 'x')).toContain('--accept-loss');
  const begun = await run('epoch', 'new', storage.topic, '--accept-loss', '--reason', 'deleted');
  expect(begun).toContain('Epoch 2');
  expect(await counts()).toMatchObject({ accepted: EVENTS + beyond });
  await produceAgain([...first, ...unread]);
  await waitFor('the new epoch is folded', async () => (await pipeline.nextOffsets()).size === 2);
  await pipeline.settled();
  await pipeline.stopAll();
  expect(await held()).toEqual({ ledger: 2 * EVENTS, ids: 2 * EVENTS, windows: 2 * EVENTS });
  expect((await counts())['duplicate']).toBe(EVENTS + beyond);
  expect(await conservationProblems(pipeline.stack.clickHouse)).toEqual([]);
  expect(await run('audit', '--no-billing')).toContain('No difference');
};

test('an epoch whose log was replaced by another one ends when that is accepted, and the next begins', async () => {
  const first = await countedUsage();
  const unread = await produceNew(2);
  const beyond = await dieInFlush();
  await deleteTopic();
  await openSource(pipeline.tools, storage);
  const aggregator = await pipeline.startAggregator();
  await halted(aggregator, 'another-log');
  expect(await refused('loss', 'accept', storage.topic, '--reason', 'x')).toContain('epoch new');
  await expectNextLife(beyond, first, unread);
});

test('an epoch whose topic was deleted under its owner ends when that is accepted, and the next begins', async () => {
  const first = await countedUsage();
  await pipeline.startAggregator();
  await deleteTopic();
  await expectNextLife(0, first, await unsent());
});

/** Usage that the next epoch is the first to see. */
const unsent = async (): Promise<readonly Emission[]> =>
  usageNow(2, { events: EVENTS, topics: [await pipeline.onlySource()], shares: {} });

test('where the rules were lost, usage is refused until they are applied again, and can be redriven then', async () => {
  await pipeline.admin.deleteTopicRecords({
    topic: storage.topic,
    partitions: [{ partition: 0, offset: '1' }],
  });
  await produceNew(1);
  const aggregator = await pipeline.startAggregator();
  await halted(aggregator, 'lost-records');
  await run('loss', 'accept', storage.topic, '--reason', 'nobody had read it');
  await pipeline.settled();
  expect(await counts()).toMatchObject({ accepted: 0, lost: 1 });
  await run('rules', 'apply');
  await pipeline.settled();
  await run('dlq', 'redrive', '--code', 'no-rules', '--yes');
  await pipeline.settled();
  expect(await counts()).toMatchObject({ accepted: EVENTS });
});
