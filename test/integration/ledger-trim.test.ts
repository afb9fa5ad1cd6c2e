import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { DEFAULT_MAX_USAGE_AGE_MILLIS } from '../../services/shared/rules.ts';
import { hourState, readCoverage } from '../../services/shared/sources/coverage.ts';
import { hourOf, HOUR_MILLIS, millis, type Hour } from '../../services/shared/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';

let pipeline: Pipeline;

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
  await pipeline.startAggregator();
  await usagectl(['replay', 'samples/recorded-usage.json'], pipeline.environment);
  const recorded = Date.parse('2019-12-10T19:00:00Z') as Hour;
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

const hourAgo = (age: number): string =>
  new Date(hourOf(millis(Date.now() - age), HOUR_MILLIS)).toISOString();

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
  const recorded = '2019-12-10T19:00:00Z';
  const rebuilt = await usagectl(
    ['rebuild', history?.topic ?? '', '--from', recorded, '--to', recorded],
    pipeline.environment,
  );
  expect(rebuilt.stdout).toContain('Every window is what the ledger gives');
  const floors = await queryRows<{ floor: string }>(
    pipeline.stack.clickHouse,
    `SELECT DISTINCT toString(toUnixTimestamp64Milli(c.floor)) AS floor FROM checkpoints AS c FINAL
     WHERE topic NOT LIKE '%.history.%'`,
  );
  expect(floors).toEqual([{ floor: String(Date.parse(before)) }]);
});
