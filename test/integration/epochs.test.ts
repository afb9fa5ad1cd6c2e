import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { readCoverage } from '../../services/shared/sources/coverage.ts';
import { partitionOfKey } from '../../services/shared/model/placement.ts';
import { millis } from '../../services/shared/model/time.ts';
import { restoring } from '../support/audit/damage.ts';
import { foundIn, recountAll } from '../support/audit/recount-all.ts';
import { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Emission } from '../support/workload/emission.ts';
import { generateWorkload } from '../support/workload/generate-workload.ts';

const HOUR_MILLIS = 5_000;

let pipeline: Pipeline;
let topic: string;

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
  topic = `${pipeline.stack.config.USAGE_TOPIC_PREFIX}.events.compute`;
});

afterAll(async () => {
  await pipeline.close();
});

const workload = async (seed: number): Promise<readonly Emission[]> => {
  const now = millis(Date.now());
  const sources = await pipeline.sources();
  const newest = sources.filter(
    (source) =>
      !sources.some(({ topic: other, epoch }) => other === source.topic && epoch > source.epoch),
  );
  return [
    ...generateWorkload({
      seed,
      events: 2_000,
      tenants: 8,
      resourcesPerTenant: 6,
      topics: newest,
      reportedFrom: now,
      reportedTo: now,
      shares: { 'near-duplicate': 0.05, conflict: 0.01 },
    }),
  ];
};

const countsOf = async (epoch: number): Promise<Record<string, number>> => {
  const [row] = await queryRows<Record<string, string>>(
    pipeline.stack.clickHouse,
    `SELECT toString(sum(accepted)) AS accepted, toString(sum(duplicate)) AS duplicate,
       toString(sum(dead_lettered)) AS dead_lettered, toString(count()) AS partitions
     FROM checkpoints FINAL WHERE topic = {topic:String} AND epoch = {epoch:UInt32}`,
    { topic, epoch },
  );
  return Object.fromEntries(Object.entries(row ?? {}).map(([name, n]) => [name, Number(n)]));
};

test('a topic begins another epoch with other partitions, and counts nothing twice', async () => {
  await pipeline.startAggregator();
  const first = await workload(1);
  await pipeline.produce(first);
  await pipeline.settled();
  const before = await countsOf(1);
  expect(before['accepted']).toBeGreaterThan(500);

  const changed = await usagectl(
    ['epoch', 'new', topic, '--partitions', '3', '--reason', 'a test'],
    pipeline.environment,
  );
  expect(changed).toMatchObject({ code: 0, stderr: '' });
  expect(changed.stdout).toContain('Epoch 2');
  expect(await countsOf(1)).toMatchObject({ accepted: before['accepted'] });

  // A provider that sends again what the old epoch has counted, and new usage behind it.
  const opened = (await pipeline.sources()).find(
    (source) => source.topic === topic && source.epoch === 2,
  );
  expect(opened).toMatchObject({ partitions: 3, predecessor: 1, state: 'open' });
  const again = first
    .filter((emission) => emission.topic === topic)
    .map((emission) => ({
      ...emission,
      epoch: 2,
      partition: partitionOfKey(emission.key ?? Buffer.alloc(0), 3),
    }));
  await pipeline.produce(again);
  await pipeline.produce(await workload(2));
  await waitFor('the new epoch is folded', async () => (await countsOf(2))['partitions'] === 3);
  await pipeline.settled();
  await pipeline.stopAll();
  const after = await countsOf(2);
  expect(after['duplicate']).toBeGreaterThanOrEqual(before['accepted'] ?? Infinity);
  expect(after['accepted']).toBeGreaterThan(500);
});

const command = async (query: string): Promise<void> => {
  await pipeline.stack.clickHouse.command({
    query,
    clickhouse_settings: { mutations_sync: '1' },
  });
};

test('an audit recounts the new epoch with the ids of the old one, whose log is gone', async () => {
  const recounted = () => recountAll(pipeline.stack, pipeline.tools, { topic });
  const report = await recounted();
  expect(foundIn(report)).toEqual([]);
  expect(report.partitions.map(({ epoch, state }) => [epoch, state])).toEqual([
    [1, 'gone'],
    [1, 'gone'],
    [2, 'whole'],
    [2, 'whole'],
    [2, 'whole'],
  ]);
  const duplicates = report.partitions.reduce((sum, { duplicate }) => sum + duplicate, 0);
  expect(duplicates).toBe((await countsOf(2))['duplicate']);

  // An event of the old epoch that the ledger has lost: sent again, the new epoch should have taken it.
  const first = `(SELECT event_id FROM usage_events WHERE topic = '${topic}' AND epoch = 1 ORDER BY partition, offset LIMIT 1)`;
  const lost = await restoring(pipeline.stack.clickHouse, ['usage_events'], async () => {
    await command(`ALTER TABLE usage_events DELETE WHERE epoch = 1 AND event_id IN ${first}`);
    return recounted();
  });
  expect(
    new Set(lost.first.map(({ kind, partition }) => `${kind} ${partition.split('[')[0] ?? ''}`)),
  ).toEqual(
    new Set([
      `conservation ${topic}/1`, // accepted, ledger
      `hourly ${topic}/1`,
      `ledger ${topic}/2`,
      `hourly ${topic}/2`,
      `checkpoint ${topic}/2`,
    ]),
  );

  const changed = await restoring(pipeline.stack.clickHouse, ['usage_hourly'], async () => {
    await command(
      `ALTER TABLE usage_hourly UPDATE quantity = quantity + 1 WHERE epoch = 1 AND partition = 1 AND first_offset IN
       (SELECT min(first_offset) FROM usage_hourly WHERE epoch = 1 AND partition = 1)`,
    );
    return recounted();
  });
  expect(foundIn(changed)).toContainEqual(
    expect.stringMatching(
      /^hourly: the windows hold (\d+) events with \S+, the ledger has \1 events with/,
    ),
  );
});

test('hours that were complete stay so, and the new epoch goes on completing them', async () => {
  await pipeline.startAggregator();
  const { completeBefore } = await readCoverage(pipeline.stack.clickHouse);
  await waitFor('later hours are complete', async () => {
    const now = (await readCoverage(pipeline.stack.clickHouse)).completeBefore;
    return now !== null && completeBefore !== null && now > completeBefore;
  });
});

test('a topic that is no live source is refused', async () => {
  const refused = await usagectl(
    ['epoch', 'new', 'nothing', '--reason', 'x'],
    pipeline.environment,
  );
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain('There is no live source "nothing"');
});
