import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { HOUR_MILLIS, isoText, millis } from '../../services/shared/model/time.ts';
import { Pipeline, STORAGE_ONLY } from '../support/pipeline.ts';
import { queryNumbers } from '../support/query-numbers.ts';
import { waitFor } from '../support/wait-for.ts';
import { conservationProblems } from '../support/workload/conservation.ts';
import type { Shares } from '../support/workload/emission.ts';
import { usageNow } from '../support/workload/usage-now.ts';

const EVENTS = 600;

let pipeline: Pipeline;
let storage: RegisteredSource;

const open = async (hourMillis: number): Promise<void> => {
  pipeline = await Pipeline.open(hourMillis, STORAGE_ONLY);
  storage = await pipeline.onlySource();
};

afterEach(async () => {
  await pipeline.close();
});

const produce = (seed: number, shares?: Shares): Promise<number> =>
  pipeline.produce(
    usageNow(seed, { events: EVENTS, topics: [storage], ...(shares && { shares }) }),
  );

const run = async (...args: readonly string[]): Promise<string> => {
  const result = await pipeline.usagectl(...args);
  expect(result).toMatchObject({ code: 0, stderr: '' });
  return result.stdout;
};

const deleteBefore = (offset: number): Promise<unknown> =>
  pipeline.admin.deleteTopicRecords({
    topic: storage.topic,
    partitions: [{ partition: 0, offset: String(offset) }],
  });

const state = () =>
  queryNumbers(
    pipeline.stack.clickHouse,
    `SELECT next_offset AS next, accepted, dead_lettered, lost, toUnixTimestamp(open_hour) AS closed
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
    (await pipeline.usagectl('loss', 'show')).stdout.includes('loss accept'),
  );
  await run('loss', 'accept', storage.topic, '--reason', 'a test');
  await pipeline.settled();
  await produce(3);
  await pipeline.settled();
  await pipeline.stopAll();
  expect(await conservationProblems(pipeline.stack.clickHouse)).toEqual([]);
  const { code, stdout } = await pipeline.usagectl('audit', '--no-billing');
  expect(stdout).toContain('No difference');
  expect(code).toBe(0);
});

test('where the rules were lost and applied again, audit and rebuild hold what was refused before them as right', async () => {
  await open(1_000);
  await deleteBefore(1);
  await produce(1, {});
  const later = Date.now() + 2_500;
  await waitFor('two hours have passed', () => Promise.resolve(Date.now() >= later));
  await produce(2, {});
  await pipeline.startAggregator();
  await waitFor('the loss is found', async () =>
    (await pipeline.usagectl('loss', 'show')).stdout.includes('loss accept'),
  );
  await run('loss', 'accept', storage.topic, '--reason', 'a test');
  await pipeline.settled();
  await run('rules', 'apply');
  await pipeline.settled();
  await run('dlq', 'redrive', '--code', 'no-rules', '--yes');
  await pipeline.settled();
  const { closed = 0 } = await state();
  const dayEnd = (Math.floor(closed / 24) + 1) * 24;
  await waitFor('the day is closed', async () => ((await state())['closed'] ?? 0) >= dayEnd);
  await pipeline.stopAll();

  const to = ['--to', isoText(millis(dayEnd * 1000))];
  const rebuild = (from: string) =>
    pipeline.usagectl('rebuild', storage.topic, '--from-log', '--json', '--from', from, ...to);
  // Refused where the loss lies in that day: then from the first hour on that can be recounted.
  const whole = await rebuild(isoText(millis((dayEnd - 24) * 1000)));
  const first = /is (\S+Z)\. Give it/.exec(whole.stderr)?.[1];
  const { stdout } = first === undefined ? whole : await rebuild(first);
  expect(JSON.parse(stdout)).toMatchObject({
    fromLog: { ledger: { count: 0 }, deadLetters: { count: 0 } },
    windows: { count: 0 },
  });
  const audit = await pipeline.usagectl('audit', '--no-billing');
  expect(audit.stdout).toContain('No difference');
});
