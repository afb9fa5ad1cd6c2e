import { knownConsumption } from '../../services/development/simulated-cloud/known-consumption.ts';
import { withWorkers } from '../../services/development/simulated-cloud/app-service-workers.ts';
import { seededCloud } from '../../services/development/simulated-cloud/seeded-cloud.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { formatQuantity, parseQuantity } from '../../services/shared/model/decimal.ts';
import { asciiLower, resourceKey } from '../../services/shared/model/placement.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';
import { HOUR_MILLIS, isoText, millis, type Millis } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';

/** The operator's subscription, by default. */
const OPERATOR = '39c82aed-b2b7-4a66-abdb-611de00bf11e';
const SUBSCRIPTIONS = 6;

/** Reported hours of each seed, with the end of a month and its last hours in one of them. */
const RUNS = [
  { seed: 1, from: '2025-03-03T00:00:00Z', to: '2025-03-04T06:00:00Z' },
  { seed: 2, from: '2025-03-31T12:00:00Z', to: '2025-04-01T12:00:00Z' },
  { seed: 77, from: '2025-05-10T05:00:00Z', to: '2025-05-11T05:00:00Z' },
];

let pipeline: Pipeline;

const simulate = (...args: readonly string[]) =>
  pipeline.usagectl('simulate', '--subscriptions', String(SUBSCRIPTIONS), ...args);

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
  for (const { seed, from, to } of RUNS) {
    const done = await simulate('--from', from, '--to', to, '--seed', String(seed));
    expect(done).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining(`reported hours ${from} to ${to}.`) as string,
    });
  }
  const aggregator = await pipeline.startAggregator();
  await pipeline.settled();
  await aggregator.stop();
});

afterAll(async () => {
  await pipeline.close();
});

/** Totals of the windows of a usage range, in exact decimals, over all hours in which they were reported. */
const windows = async (from: Millis, to: Millis): Promise<ReadonlyMap<string, string>> => {
  const rows = await queryRows<{ resource: string; meter: string; hour: string; total: string }>(
    pipeline.stack.clickHouse,
    `SELECT resource_key AS resource, meter_key AS meter,
       formatDateTime(usage_hour, '%FT%TZ', 'UTC') AS hour, toString(sum(quantity)) AS total
     FROM usage_hourly FINAL
     WHERE usage_hour >= fromUnixTimestamp64Milli({from:Int64}) AND usage_hour < fromUnixTimestamp64Milli({to:Int64})
     GROUP BY resource_key, meter_key, usage_hour`,
    { from, to },
  );
  return new Map(
    rows.map(({ resource, meter, hour, total }) => {
      const quantity = parseQuantity(total);
      return [`${hour} ${meter} ${resource}`, quantity === null ? total : formatQuantity(quantity)];
    }),
  );
};

const known = (seed: number, from: Millis, to: Millis): ReadonlyMap<string, string> => {
  const seeded = seededCloud({ seed, subscriptions: SUBSCRIPTIONS, from, to });
  const cloud = withWorkers(seeded, OPERATOR);
  return new Map(
    [...knownConsumption(cloud, from, to)].map(({ resource, meterId, usageHour, quantity }) => [
      `${isoText(usageHour)} ${asciiLower(meterId)} ${resourceKey(resource.resourceUri)}`,
      formatQuantity(quantity),
    ]),
  );
};

test.each(RUNS)(
  'the windows of seed $seed equal what the cloud knows that each resource consumed of each meter in each hour',
  async ({ seed, from, to }) => {
    const used = [millis(timeOf(from) - HOUR_MILLIS), millis(timeOf(to) - HOUR_MILLIS)] as const;
    const expected = known(seed, ...used);
    expect(expected.size).toBeGreaterThan(1_000);
    expect(await windows(...used)).toEqual(expected);
  },
);

test('usage is reported in the hour after it was used, and some of it hours later', async () => {
  const rows = await queryRows<{ late: string; events: string }>(
    pipeline.stack.clickHouse,
    `SELECT toString(dateDiff('hour', usage_hour, reported_hour)) AS late, toString(sum(event_count)) AS events
     FROM usage_hourly FINAL GROUP BY late ORDER BY late`,
  );
  expect(rows.map(({ late }) => late)).toEqual(['1', '2', '3', '4']);
  const [next = 0, ...later] = rows.map(({ events }) => Number(events));
  expect(later.reduce((sum, events) => sum + events, 0)).toBeLessThan(next / 10);
});

test('the same simulation again adds nothing, and another one of the same hours is refused', async () => {
  const [{ from, to }] = RUNS as [(typeof RUNS)[0]];
  const range = ['--from', from, '--to', to];
  expect(await simulate(...range, '--seed', '1')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('This simulation is already imported') as string,
  });
  expect(await simulate(...range, '--seed', '3')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('This history cannot be imported: source') as string,
  });
});

test.each([
  [['--from', '2025-06-01T00:00:00Z', '--to', '2025-06-01T00:00:00Z'], '--to must be after --from'],
  [['--from', '2025-06-01T00:30:00Z'], '--from must be the start of an hour'],
  [['--from', '2020-01-01T00:00:00Z'], 'simulate at most 8,784 at once'],
  [['--from', '2025-06-01T00:00:00Z', '--hours', '5'], 'cannot be used with'],
])('a range that cannot be is refused with what to do: %j', async (args, message) => {
  const { code, stderr } = await simulate(...args);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining(message) as string,
  });
});
