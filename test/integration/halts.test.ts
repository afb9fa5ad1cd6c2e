import { randomBytes } from 'node:crypto';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { openSource } from '../../services/shared/sources/source-opening.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { HOUR_MILLIS } from '../../services/shared/model/time.ts';
import { foundIn, recountAll } from '../support/audit/recount-all.ts';
import { halted } from '../support/halted.ts';
import { Pipeline } from '../support/pipeline.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Emission } from '../support/workload/emission.ts';
import { usageNow } from '../support/workload/usage-now.ts';

let pipeline: Pipeline;
let storage: RegisteredSource;

/** What was sent first. */
let first: readonly Emission[];

const produce = async (seed: number): Promise<readonly Emission[]> => {
  const emissions = usageNow(seed, { events: 600, topics: await pipeline.sources(), shares: {} });
  await pipeline.produce(emissions);
  return emissions;
};

beforeEach(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
  const found = (await pipeline.sources()).find(({ topic }) => topic.endsWith('.storage'));
  if (!found) throw new Error('there is no storage source');
  storage = found;
  first = await produce(1);
  const aggregator = await pipeline.startAggregator();
  await pipeline.settled();
  await aggregator.stop();
});

afterEach(async () => {
  await pipeline.close();
});

/** Health of the process, which has a port of its own. */
const health = async (service: ServiceProcess): Promise<{ status: number; body: string }> => {
  const url = await service.address('health');
  const answer = await fetch(`${url}/health/ready`);
  return { status: answer.status, body: await answer.text() };
};

const acceptedOf = async (topic: string): Promise<number> => {
  const [row] = await queryRows<{ n: string }>(
    pipeline.stack.clickHouse,
    'SELECT toString(sum(accepted)) AS n FROM checkpoints FINAL WHERE topic = {topic:String}',
    { topic },
  );
  return Number(row?.n);
};

test('records that expired unread halt their partition alone and are named', async () => {
  const { admin } = pipeline;
  const compute = storage.topic.replace('.storage', '.compute');
  const before = { storage: await acceptedOf(storage.topic), compute: await acceptedOf(compute) };
  await produce(2);
  const [end] = await admin.fetchTopicOffsets(storage.topic);
  const last = Number(end?.high) - 1;
  await admin.deleteTopicRecords({
    topic: storage.topic,
    partitions: [{ partition: 0, offset: String(last) }],
  });
  const aggregator = await pipeline.startAggregator();
  const line = await halted(aggregator, 'lost-records');
  expect(line).toContain(`to ${String(last - 1)} expired before they were read`);
  await waitFor(
    'the other topic goes on',
    async () => (await acceptedOf(compute)) > before.compute,
  );
  expect(await acceptedOf(storage.topic)).toBe(before.storage);
  expect(await health(aggregator)).toMatchObject({
    status: 503,
    body: expect.stringContaining('lost-records') as string,
  });
});

test('an expired log whose records were all counted goes on', async () => {
  const [end] = await pipeline.admin.fetchTopicOffsets(storage.topic);
  await pipeline.admin.deleteTopicRecords({
    topic: storage.topic,
    partitions: [{ partition: 0, offset: String(end?.high) }],
  });
  const before = await acceptedOf(storage.topic);
  await produce(3);
  const aggregator = await pipeline.startAggregator();
  await pipeline.settled();
  expect(await acceptedOf(storage.topic)).toBeGreaterThan(before);
  expect((await health(aggregator)).status).toBe(200);

  // An audit counts from the first record that is left; what came before is given by the ledger.
  await pipeline.produce(first); // sent again: duplicates of what has expired
  await pipeline.settled();
  await aggregator.stop();
  const report = await recountAll(pipeline.stack, pipeline.tools, { topic: storage.topic });
  expect(foundIn(report)).toEqual([]);
  expect(report.partitions).toMatchObject([{ state: 'partly', from: Number(end?.high) }]);
  expect(report.partitions[0]?.duplicate).toBeGreaterThan(100);
  await pipeline.stack.clickHouse.command({
    query: `ALTER TABLE usage_events UPDATE quantity = quantity + 1 WHERE topic = '${storage.topic}'
      AND offset IN (SELECT max(offset) FROM usage_events WHERE topic = '${storage.topic}')`,
    clickhouse_settings: { mutations_sync: '1' },
  });
  const damaged = await recountAll(pipeline.stack, pipeline.tools, { topic: storage.topic });
  expect(foundIn(damaged)).toContainEqual(expect.stringMatching(/^ledger: quantity is "/));
});

const recreate = async (): Promise<void> => {
  const { admin } = pipeline;
  await admin.deleteTopics({ topics: [storage.topic] });
  await waitFor(
    'the topic is gone',
    async () => !(await admin.listTopics()).includes(storage.topic),
  );
  await openSource(pipeline.tools, storage);
};

test('a topic that was re-created and is shorter now halts its partition', async () => {
  await recreate();
  const aggregator = await pipeline.startAggregator();
  expect(await halted(aggregator, 'another-log')).toContain('the log ends at offset 1');
  const report = await recountAll(pipeline.stack, pipeline.tools, { topic: storage.topic });
  expect(report.partitions).toMatchObject([{ state: 'another log', records: 0 }]);
  expect(foundIn(report)).toEqual([
    expect.stringMatching(/^log: the log ends at offset 1, and \d+ had been reached$/),
  ]);
});

test('a topic that was re-created and is as long again halts its partition', async () => {
  const before = await acceptedOf(storage.topic);
  await recreate();
  await produce(4);
  await produce(5);
  const aggregator = await pipeline.startAggregator();
  expect(await halted(aggregator, 'another-log')).toContain('is not the one that was counted');
  expect(await acceptedOf(storage.topic)).toBe(before);
  const report = await recountAll(pipeline.stack, pipeline.tools);
  expect(foundIn(report)).toEqual([
    expect.stringMatching(/^log: the record at offset \d+ is not the one that was counted last$/),
  ]);
  expect(report.partitions.map(({ state }) => state).sort()).toEqual([
    'another log',
    'whole',
    'whole',
  ]);
});

test('a topic that is re-created and filled again within a moment halts its running owner', async () => {
  const aggregator = await pipeline.startAggregator();
  await pipeline.settled();
  const before = await acceptedOf(storage.topic);
  await recreate();
  await produce(7);
  await produce(8);
  await halted(aggregator, 'another-log');
  expect(await acceptedOf(storage.topic)).toBe(before);
});

test('a topic that is re-created while its owner stands still halts it, also without a rebalance', async () => {
  const aggregator = await pipeline.startAggregator({ AGGREGATOR_SESSION_MILLIS: '20000' });
  await pipeline.settled();
  const before = await acceptedOf(storage.topic);
  process.kill(aggregator.pid, 'SIGSTOP');
  const since = Date.now();
  await recreate();
  await produce(9);
  await produce(10);
  await waitFor('longer than a fetch may take', () => Promise.resolve(Date.now() > since + 2_500));
  process.kill(aggregator.pid, 'SIGCONT');
  await halted(aggregator, 'another-log');
  expect(await acceptedOf(storage.topic)).toBe(before);
});

test('a process without the keys of the rules in force halts and changes nothing', async () => {
  const before = await pipeline.nextOffsets();
  await produce(6);
  const aggregator = await pipeline.startAggregator({
    USAGE_CONTROL_KEYS: `other:${randomBytes(32).toString('hex')}`,
  });
  expect(await halted(aggregator, 'unknown-rules')).toContain('add it to USAGE_CONTROL_KEYS');
  expect(await pipeline.nextOffsets()).toEqual(before);
});
