import { millis } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import type { Emission } from '../support/workload/emission.ts';
import { generateWorkload } from '../support/workload/generate-workload.ts';

const HOUR_MILLIS = 5_000;

let pipeline: Pipeline;

beforeEach(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
});

afterEach(async () => {
  await pipeline.close();
});

const workload = async (seed: number, events: number): Promise<Iterable<Emission>> => {
  const now = millis(Date.now());
  return generateWorkload({
    seed,
    events,
    tenants: 20,
    resourcesPerTenant: 10,
    topics: await pipeline.sources(),
    reportedFrom: now,
    reportedTo: now,
  });
};

test('SIGKILL in the middle of 300,000 events, then a restart: every window equals the expected totals', async () => {
  const first = await pipeline.startAggregator();
  const kills: Promise<void>[] = [];
  const count = await pipeline.produce(await workload(1, 300_000), (sent) => {
    if (sent >= 150_000 && kills.length === 0) kills.push(first.kill());
  });
  expect(count).toBe(300_000);
  await Promise.all(kills);
  const second = await pipeline.startAggregator();
  await pipeline.settled();
  await second.stop();
  expect(await pipeline.differences()).toEqual([]);
});

test('two aggregators, one killed and one joining: every window equals the expected totals', async () => {
  const [first] = await Promise.all([pipeline.startAggregator(), pipeline.startAggregator()]);
  const joining: Promise<unknown>[] = [];
  await pipeline.produce(await workload(2, 60_000), (sent) => {
    if (sent >= 20_000 && joining.length === 0) {
      joining.push(first.kill().then(() => pipeline.startAggregator()));
    }
  });
  await Promise.all(joining);
  await pipeline.settled();
  await pipeline.stopAll();
  expect(await pipeline.differences()).toEqual([]);
});
