import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { newestLife } from '../../services/shared/source.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { HOUR_MILLIS, millis } from '../../services/shared/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';
import { conservationProblems } from '../support/workload/conservation.ts';
import type { Emission } from '../support/workload/emission.ts';
import { generateWorkload } from '../support/workload/generate-workload.ts';

const EVENTS = 600;

let pipeline: Pipeline;
let storage: RegisteredSource;

const open = async (hourMillis: number): Promise<void> => {
  pipeline = await Pipeline.open(hourMillis, [
    { name: 'storage', namespaces: ['microsoft.storage'], partitions: 1 },
  ]);
  const sources = await pipeline.sources();
  const source = newestLife(sources, sources[0]?.topic ?? '');
  if (!source) throw new Error('there is no source');
  storage = source;
};

afterEach(async () => {
  await pipeline.close();
});

const produce = async (seed: number, shares?: object): Promise<readonly Emission[]> => {
  const now = millis(Date.now());
  const emissions = [
    ...generateWorkload({
      seed,
      events: EVENTS,
      tenants: 5,
      resourcesPerTenant: 8,
      topics: [storage],
      reportedFrom: now,
      reportedTo: now,
      ...(shares && { shares }),
    }),
  ];
  await pipeline.produce(emissions);
  return emissions;
};

const run = async (...args: readonly string[]): Promise<string> => {
  const result = await usagectl([...args], pipeline.environment);
  expect(result).toMatchObject({ code: 0, stderr: '' });
  return result.stdout;
};

const numbers = async (query: string): Promise<Record<string, number>> => {
  const [row] = await queryRows<Record<string, string>>(pipeline.stack.clickHouse, query);
  return Object.fromEntries(Object.entries(row ?? {}).map(([name, n]) => [name, Number(n)]));
};

const deleteBefore = (offset: number): Promise<unknown> =>
  pipeline.tools.admin.deleteTopicRecords({
    topic: storage.topic,
    partitions: [{ partition: 0, offset: String(offset) }],
  });

const state = () =>
  numbers(
    `SELECT next_offset AS next, accepted, dead_lettered, lost, toUnixTimestamp(closed_through) AS closed
     FROM checkpoints FINAL`,
  );

test('the audit finds no difference where the log still has records in front of the offset at which a loss goes on', async () => {
  await open(HOUR_MILLIS);
  await produce(1);
  const first = await pipeline.startAggregator();
  await pipeline.settled();
  await first.stop();
  const { next: from = 0 } = await state();
  await produce(2);
  const dying = await pipeline.startAggregator({ USAGE_FAILPOINT: 'after-windows:1' });
  await dying.exited;
  await deleteBefore(from + 10);
  await pipeline.startAggregator();
  await waitFor('the loss is found', async () =>
    (await usagectl(['loss', 'show'], pipeline.environment)).stdout.includes('loss accept'),
  );
  await run('loss', 'accept', storage.topic, '--reason', 'a test');
  await pipeline.settled();
  await produce(3);
  await pipeline.settled();
  await pipeline.stopAll();
  expect(await conservationProblems(pipeline.stack.clickHouse)).toEqual([]);
  const { code, stdout } = await usagectl(['audit', '--no-billing'], pipeline.environment);
  expect(stdout).toContain('No difference');
  expect(code).toBe(0);
});
