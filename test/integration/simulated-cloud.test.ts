import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { quantityFromText } from '../../services/shared/clickhouse/values.ts';
import { CloudStore } from '../../services/development/providers/cloud-store.ts';
import { parseFaults } from '../../services/development/providers/faults/fault-plan.ts';
import { MAX_HELD_HOURS } from '../../services/development/providers/faults/held-back.ts';
import { progressFrom } from '../../services/development/providers/reporting/progress.ts';
import { knownConsumption } from '../../services/development/simulated-cloud/known-consumption.ts';
import { withWorkers } from '../../services/development/simulated-cloud/app-service-workers.ts';
import { seededCloud } from '../../services/development/simulated-cloud/seeded-cloud.ts';
import {
  addQuantities,
  formatQuantity,
  ZERO,
  type Quantity,
} from '../../services/shared/model/decimal.ts';
import { asciiLower } from '../../services/shared/model/placement.ts';
import {
  HOUR_MILLIS,
  hourOf,
  millis,
  type Hour,
  type Millis,
} from '../../services/shared/model/time.ts';
import { parseTime } from '../../services/shared/model/time-text.ts';
import type { Provider } from '../../services/shared/sources/providers.ts';
import { Pipeline } from '../support/pipeline.ts';
import { startService } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';

const PROVIDERS: readonly Provider[] = [
  { name: 'compute', namespaces: ['microsoft.compute'], partitions: 2 },
  { name: 'storage', namespaces: ['microsoft.storage'], partitions: 2 },
  { name: 'network', namespaces: ['microsoft.network'], partitions: 1 },
  {
    name: 'platform',
    namespaces: [
      'microsoft.web',
      'microsoft.keyvault',
      'microsoft.sqladapter',
      'microsoft.mysqladapter',
      'microsoft.eventhub',
    ],
    partitions: 1,
  },
];
const NAMES = PROVIDERS.map(({ name }) => name);
/** The operator's subscription, by default. */
const OPERATOR = '39c82aed-b2b7-4a66-abdb-611de00bf11e';
const SUBSCRIPTIONS = 2;

/** So many hours with faults, and after them enough for everything that is held back to come. */
const FAULTY_HOURS = 36;
const HOURS = FAULTY_HOURS + MAX_HELD_HOURS + 2;

let pipeline: Pipeline;

beforeEach(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS, PROVIDERS);
});

afterEach(() => pipeline.close());

const startProviders = (seed: number) =>
  startService('providers', {
    ...pipeline.environment,
    USAGE_API_SIGN_IN: 'off',
    CLOUD_SEED: String(seed),
    CLOUD_SUBSCRIPTIONS: String(SUBSCRIPTIONS),
  });

type Started = Awaited<ReturnType<typeof startProviders>>;

/** Waits until everything is reported up to now, stops, and tells how far each provider has reported. */
const stopAtPresent = async (providers: Started): Promise<readonly Millis[]> => {
  const present = Date.now();
  await waitFor('everything is reported up to now', async () =>
    (await reportedThrough(providers)).every((each) => each > present - 60_000),
  );
  await providers.stop();
  return Promise.all(
    NAMES.map(async (name) => {
      const progress = await new CloudStore(pipeline.stack.clickHouse, name).progress();
      if (progress === null) throw new Error(`${name} has remembered nothing`);
      return progress.value.reportedThrough;
    }),
  );
};

/** How far each provider has reported. */
const reportedThrough = async (providers: Started): Promise<readonly Millis[]> => {
  const url = await providers.address('health');
  return Promise.all(
    NAMES.map(async (name) => {
      const answer = await fetch(`${url}/${name}/health/ready`);
      const { reportedThrough: text } = (await answer.json()) as { reportedThrough: string };
      const time = parseTime(text);
      if (!time.ok) throw new Error(time.error);
      return time.value.instant;
    }),
  );
};

/** What was counted, by resource and meter. */
const counted = async (): Promise<ReadonlyMap<string, string>> => {
  const rows = await queryRows<{ resource: string; meter: string; quantity: string }>(
    pipeline.stack.clickHouse,
    `SELECT resource_key AS resource, meter_key AS meter, toString(sum(w.quantity)) AS quantity
     FROM usage_hourly AS w FINAL GROUP BY resource, meter`,
  );
  return new Map(
    rows.map(({ resource, meter, quantity }) => [
      `${resource} ${meter}`,
      formatQuantity(quantityFromText(quantity)),
    ]),
  );
};

/** What the cloud has consumed, by resource and meter, up to where each provider has reported. */
const known = (
  seed: number,
  begin: Millis,
  through: readonly Millis[],
): ReadonlyMap<string, string> => {
  const totals = new Map<string, Quantity>();
  const seeded = seededCloud({ seed, subscriptions: SUBSCRIPTIONS, from: begin });
  const resources = withWorkers(seeded, OPERATOR);
  NAMES.forEach((name, n) => {
    const own = resources.filter(({ provider }) => provider === name);
    for (const { resource, meterId, quantity } of knownConsumption(
      own,
      begin,
      through[n] ?? begin,
    )) {
      const of = asciiLower(`${resource.resourceUri} ${meterId}`);
      totals.set(of, addQuantities(totals.get(of) ?? ZERO, quantity));
    }
  });
  return new Map([...totals].map(([of, total]) => [of, formatQuantity(total)]));
};

const sorted = (totals: ReadonlyMap<string, string>): readonly (readonly [string, string])[] =>
  [...totals].sort(([a], [b]) => (a < b ? -1 : 1));

test.each([11, 12])(
  'with all faults, and providers that are killed, the windows are what the cloud consumed (seed %i)',
  async (seed) => {
    const begin = (hourOf(millis(Date.now()), HOUR_MILLIS) - HOURS * HOUR_MILLIS) as Hour;
    const faults = parseFaults('late:0.2,gone:0.1,duplicate:0.1,skew:0.3,malformed:0.05', seed);
    const none = parseFaults('', 0);
    if (!faults.ok || !none.ok) throw new Error('the faults cannot be read');
    for (const name of NAMES) {
      const store = new CloudStore(pipeline.stack.clickHouse, name);
      await store.putProgress({ value: progressFrom(begin), revision: 1 });
      await store.putFaults({ fromHour: begin, plan: faults.value });
      const end = (begin + FAULTY_HOURS * HOUR_MILLIS) as Hour;
      await store.putFaults({ fromHour: end, plan: none.value });
    }
    // Killed while it catches up, wherever it is then.
    let before = HOURS * NAMES.length * HOUR_MILLIS;
    for (let kills = 0; kills < 3; kills++) {
      const doomed = await startProviders(seed);
      await waitFor('it has reported something more', async () => {
        const through = await reportedThrough(doomed);
        const left = through.reduce((sum, each) => sum + (Date.now() - each), 0);
        return left < before || left < 60_000 * NAMES.length;
      });
      await doomed.kill();
      before -= 12 * NAMES.length * HOUR_MILLIS;
    }
    const through = await stopAtPresent(await startProviders(seed));
    await pipeline.startAggregator();
    await pipeline.settled();
    expect(sorted(await counted())).toEqual(sorted(known(seed, begin, through)));
    const [letters] = await queryRows<{ spoiled: string; others: string }>(
      pipeline.stack.clickHouse,
      `SELECT toString(countIf(code IN ('malformed', 'unknown-schema', 'negative-quantity', 'invalid-period'))) AS spoiled,
         toString(countIf(code NOT IN ('malformed', 'unknown-schema', 'negative-quantity', 'invalid-period'))) AS others
       FROM dead_letters FINAL`,
    );
    expect(Number(letters?.spoiled)).toBeGreaterThan(0);
    expect(Number(letters?.others)).toBe(0);
  },
);

test('live usage goes on where the simulated history of the same cloud ends', async () => {
  const seed = 5;
  const { code, stderr } = await pipeline.usagectl(
    ...['simulate', '--hours', '30', '--seed', String(seed)],
    ...['--subscriptions', String(SUBSCRIPTIONS)],
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const through = await stopAtPresent(await startProviders(seed));
  await pipeline.startAggregator();
  await pipeline.settled();
  const sources = await pipeline.sources();
  const first = Math.min(...sources.map(({ firstHour }) => firstHour));
  // The first hour of history reports the usage of the hour before.
  const begin = millis(first - HOUR_MILLIS);
  expect(sorted(await counted())).toEqual(sorted(known(seed, begin, through)));
});
