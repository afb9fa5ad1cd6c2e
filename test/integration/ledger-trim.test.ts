import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { DEFAULT_MAX_USAGE_AGE_MILLIS } from '../../services/shared/model/rules.ts';
import { hourState, readCoverage } from '../../services/shared/sources/coverage.ts';
import { hourOf, HOUR_MILLIS, isoText, millis } from '../../services/shared/model/time.ts';
import { restoring } from '../support/audit/damage.ts';
import { foundIn, recountAll } from '../support/audit/recount-all.ts';
import { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';
import { generateWorkload } from '../support/workload/generate-workload.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';

let pipeline: Pipeline;

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
  await pipeline.startAggregator();
  await usagectl(['replay', 'samples/recorded-usage.json'], pipeline.environment);
  const recorded = timeOf('2019-12-10T19:00:00Z');
  await waitFor(
    'the sample is complete',
    async () =>
      hourState(await readCoverage(pipeline.stack.clickHouse), recorded, HOUR_MILLIS) ===
      'complete',
  );
  await pipeline.settled();
});

afterAll(async () => {
  await pipeline.close();
});

const trim = (...more: readonly string[]) =>
  usagectl(['ledger', 'trim', ...more], pipeline.environment);

const countOf = async (table: string): Promise<number> => {
  const [row] = await queryRows<{ n: string }>(
    pipeline.stack.clickHouse,
    `SELECT toString(count()) AS n FROM ${table} FINAL`,
  );
  return Number(row?.n);
};

const hourAgo = (age: number): string => isoText(hourOf(millis(Date.now() - age), HOUR_MILLIS));

test('usage that may still be reported is not trimmed', async () => {
  const refused = await trim('--before', hourAgo(DEFAULT_MAX_USAGE_AGE_MILLIS - 3 * HOUR_MILLIS));
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain('The ledger may be trimmed up to');
});

test('older usage is shown first, and deleted when every partition knows the floor; windows stay', async () => {
  const before = hourAgo(DEFAULT_MAX_USAGE_AGE_MILLIS + 3 * HOUR_MILLIS);
  const windows = await countOf('usage_hourly');
  expect((await trim('--before', before)).stdout).toContain('79 rows');
  expect(await countOf('usage_events')).toBe(79);
  expect(await trim('--before', before, '--apply')).toMatchObject({ code: 1 });
  const applied = await trim('--before', before, '--apply', '--reason', 'a test');
  expect(applied).toMatchObject({ code: 0, stderr: '' });
  expect(await countOf('usage_events')).toBe(0);
  expect(await countOf('usage_hourly')).toBe(windows);
  const history = (await pipeline.sources()).find(({ kind }) => kind === 'history');
  const recorded = ['--from', '2019-12-10T19:00:00Z', '--to', '2019-12-10T20:00:00Z'];
  const rebuilt = await usagectl(
    ['rebuild', history?.topic ?? '', ...recorded],
    pipeline.environment,
  );
  expect(rebuilt.stdout).toContain('Every window agrees with the ledger');
  const floors = await queryRows<{ floor: string }>(
    pipeline.stack.clickHouse,
    `SELECT DISTINCT toString(toUnixTimestamp64Milli(c.floor)) AS floor FROM checkpoints AS c FINAL
     WHERE topic NOT LIKE '%.history.%'`,
  );
  expect(floors).toEqual([{ floor: String(timeOf(before)) }]);
});

test('an audit takes what was trimmed as trimmed, and finds what is missing above the floor', async () => {
  const now = millis(Date.now());
  await pipeline.produce(
    generateWorkload({
      seed: 1,
      events: 600,
      tenants: 4,
      resourcesPerTenant: 6,
      topics: (await pipeline.sources()).filter(({ kind }) => kind === 'live'),
      reportedFrom: now,
      reportedTo: now,
    }),
  );
  await pipeline.settled();
  const { clickHouse } = pipeline.stack;
  const report = await recountAll(pipeline.stack, pipeline.tools);
  expect(foundIn(report)).toEqual([]);
  const history = report.partitions.filter(({ topic }) => topic.includes('.history.'));
  expect(history.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(79);
  expect(history.reduce((sum, { ledger }) => sum + ledger, 0)).toBe(0);

  const damaged = await restoring(clickHouse, ['usage_events', 'usage_hourly'], async () => {
    for (const query of [
      `ALTER TABLE usage_events DELETE WHERE (topic, partition, offset) IN
       (SELECT topic, partition, offset FROM usage_events ORDER BY topic, partition, offset LIMIT 1)`,
      `ALTER TABLE usage_hourly UPDATE quantity = quantity + 1 WHERE topic LIKE '%.history.%'
       AND (partition, first_offset) IN (SELECT partition, first_offset FROM usage_hourly
       WHERE topic LIKE '%.history.%' ORDER BY partition, first_offset LIMIT 1)`,
    ]) {
      await clickHouse.command({ query, clickhouse_settings: { mutations_sync: '1' } });
    }
    return recountAll(pipeline.stack, pipeline.tools);
  });
  const found = foundIn(damaged);
  expect(found).toHaveLength(2);
  expect(found).toContainEqual('ledger: is not stored');
  expect(found).toContainEqual(expect.stringMatching(/^hourly: quantity is "/));
});
