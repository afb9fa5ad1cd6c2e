import { millis } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import type { Emission } from '../support/workload/emission.ts';
import { generateWorkload } from '../support/workload/generate-workload.ts';
import { waitFor } from '../support/wait-for.ts';

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

/** Records whose fold is stored, over all partitions. */
const stored = async (): Promise<number> => {
  let count = 0;
  for (const next of (await pipeline.nextOffsets()).values()) count += next;
  return count;
};

function* next(count: number, emissions: Iterator<Emission>): Generator<Emission> {
  for (let n = 0; n < count; n++) {
    const emission = emissions.next();
    if (emission.done === true) return;
    yield emission.value;
  }
}

test('SIGKILL in the middle of 60,000 events, then a restart: every window equals the expected totals', async () => {
  const first = await pipeline.startAggregator();
  const emissions = (await workload(1, 60_000))[Symbol.iterator]();
  let count = await pipeline.produce(next(30_000, emissions));
  // It dies while more arrives: a part of what is there is stored, and a part is not.
  const [more] = await Promise.all([
    pipeline.produce(next(20_000, emissions)),
    waitFor('a part is stored', async () => (await stored()) > 1_000).then(() => first.kill()),
  ]);
  count += more + (await pipeline.produce(next(10_000, emissions)));
  expect(count).toBe(60_000);
  expect(await stored()).toBeLessThan(count);
  const second = await pipeline.startAggregator();
  await pipeline.settled();
  await second.stop();
  expect(await pipeline.differences()).toEqual([]);
});

test('two aggregators, one killed and one joining: every window equals the expected totals', async () => {
  const [first] = await Promise.all([pipeline.startAggregator(), pipeline.startAggregator()]);
  const joining: Promise<unknown>[] = [];
  await pipeline.produce(await workload(2, 30_000), (sent) => {
    if (sent >= 10_000 && joining.length === 0) {
      joining.push(first.kill().then(() => pipeline.startAggregator()));
    }
  });
  await Promise.all(joining);
  await pipeline.settled();
  await pipeline.stopAll();
  expect(await pipeline.differences()).toEqual([]);
});
