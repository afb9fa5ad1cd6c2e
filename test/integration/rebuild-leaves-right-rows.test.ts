import { compareWithLog, type FromLog } from '../../services/operations/rebuild/from-log.ts';
import {
  dropAbandonedScratchTables,
  SCRATCH_PREFIX,
} from '../../services/operations/rebuild/scratch-tables.ts';
import { beginHistory, writeHistory } from '../../services/operations/history-runs/history-run.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { resourceKey } from '../../services/shared/model/placement.ts';
import { HOUR_MILLIS, millis, type Hour } from '../../services/shared/model/time.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { framed, rawDatum, rawEventOf } from '../hostile/raw-event.ts';
import { eventOf } from '../support/fold/fixtures.ts';
import { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';
import { generateWorkload } from '../support/workload/generate-workload.ts';

const FIRST = timeOf('2025-03-01T00:00:00Z');
const LAST = (FIRST + 23 * HOUR_MILLIS) as Hour;
const WHOLE = ['--from', '2025-03-01T00:00:00Z', '--to', '2025-03-02T00:00:00Z', '--from-log'];
const APPLY = ['--apply', '--reason', 'a test'];

/** In milliseconds: a double tells it from its neighbours, and not what is multiplied by two on the way. */
const FAR_START = 2n ** 52n + 8n;

let pipeline: Pipeline;
let source: RegisteredSource;

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
  const begun = await beginHistory(
    pipeline.tools,
    {
      origin: 'rebuild-right-rows',
      firstHour: FIRST,
      lastHour: LAST,
      hourMillis: HOUR_MILLIS,
      partitions: 1,
      billable: false,
    },
    pipeline.stack.config.USAGE_TOPIC_PREFIX,
  );
  source = begun.source;
  await pipeline.produce(
    generateWorkload({
      seed: 21,
      events: 3_000,
      tenants: 4,
      resourcesPerTenant: 4,
      topics: [source],
      reportedFrom: millis(FIRST),
      reportedTo: millis(LAST),
    }),
  );
  const event = eventOf();
  const far = { ...rawEventOf(event), usageStartTime: FAR_START, usageEndTime: FAR_START + 1n };
  await pipeline.tools.writer.append({ topic: source.topic, partition: 0 }, [
    {
      key: resourceKey(event.resourceUri),
      value: framed(rawDatum(far)),
      timestamp: millis(LAST + 60_000),
    },
  ]);
  await writeHistory(pipeline.tools, source, []);
  const aggregator = await pipeline.startAggregator();
  await pipeline.settled();
  await aggregator.stop();
});

afterAll(async () => {
  await pipeline.close();
});

const select = (query: string): Promise<readonly Record<string, unknown>[]> =>
  queryRows(pipeline.stack.clickHouse, query);

const command = (query: string): Promise<unknown> =>
  pipeline.stack.clickHouse.command({ query, clickhouse_settings: { mutations_sync: '2' } });

const rebuild = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  usagectl(['rebuild', source.topic, ...args], { ...pipeline.environment, ...environment });

const letters = () => select('SELECT * FROM dead_letters FINAL ORDER BY partition, offset');

const scratchTables = () =>
  select(`SELECT name FROM system.tables WHERE startsWith(name, '${SCRATCH_PREFIX}')
    AND database = currentDatabase()`);

test('a usage start of 2^52+8 ms, which audit and fold had once judged differently, stays as the fold has it', async () => {
  const before = await letters();
  expect(before.at(-1)).toMatchObject({ code: 'in-future' });
  expect(await rebuild([...WHOLE, ...APPLY])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^The ledger, the dead letters and every window/) as string,
  });
  expect(await letters()).toEqual(before);
  expect(await scratchTables()).toEqual([]);
});

test('a dead letter that was lost comes back with the words in which it was refused', async () => {
  const before = await letters();
  await command(`ALTER TABLE dead_letters DELETE WHERE code = 'in-future'`);
  expect(await letters()).not.toEqual(before);
  expect(await rebuild([...WHOLE, ...APPLY])).toMatchObject({ code: 0 });
  expect(await letters()).toEqual(before);
});

/** What a dry run finds with so little memory. */
const found = (indexMaxBytes: number, windowsMaxBytes: number): Promise<FromLog> =>
  compareWithLog(
    {
      clickHouse: pipeline.stack.clickHouse,
      kafka: pipeline.stack.kafka,
      admin: pipeline.tools.admin,
      keyring: pipeline.stack.keyring,
    },
    source,
    { ...source, from: FIRST, to: (LAST + HOUR_MILLIS) as Hour, floor: 0 as Hour },
    {
      limit: 1_000,
      bounds: { indexMaxBytes, windowsMaxBytes },
      mend: null,
      onProgress: () => undefined,
    },
  );

test('with memory for a part of the ids and windows it finds the same', async () => {
  await command(`ALTER TABLE usage_events DELETE WHERE offset % 7 = 0`);
  await command(`ALTER TABLE usage_hourly UPDATE tags = 'another' WHERE event_count = 1`);
  const ample = await found(1e9, 1e9);
  expect(ample.ledger.count).toBeGreaterThan(100);
  expect(ample.windows.count).toBeGreaterThan(100);
  const scarce = await found(48 * 1024, 64 * 1024);
  expect(JSON.stringify(scarce)).toBe(JSON.stringify(ample));
  expect(await rebuild([...WHOLE, ...APPLY])).toMatchObject({ code: 0 });
});

test('ids that do not fit the memory are refused with the setting to raise, and no scratch table stays', async () => {
  await expect(found(1, 1e9)).rejects.toThrow(/cannot be folded: .*raise AGGREGATOR_INDEX_MIB/);
  const foreign = { USAGE_CONTROL_KEYS: `other:${'ab'.repeat(32)}` };
  const refused = await rebuild(WHOLE, foreign);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toMatch(/cannot be folded: .*add that key/);
  expect(await scratchTables()).toEqual([]);
});

test('the tables of a repair that was killed go after a day, not those of one that may still run', async () => {
  const { clickHouse } = pipeline.stack;
  await command(`ALTER TABLE dead_letters DELETE WHERE code = 'in-future'`);
  const killed = await rebuild([...WHOLE, ...APPLY], { USAGE_FAILPOINT: 'rebuild-inserted:1' });
  expect(killed.code).toBeNull();
  const left = await scratchTables();
  expect(left).toHaveLength(3);
  await dropAbandonedScratchTables(clickHouse);
  expect(await scratchTables()).toEqual(left);
  await dropAbandonedScratchTables(clickHouse, 0);
  expect(await scratchTables()).toEqual([]);
});
