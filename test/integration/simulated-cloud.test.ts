import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { quantityFromText } from '../../services/shared/clickhouse/values.ts';
import { CloudStore } from '../../services/development/providers/cloud-store.ts';
import { parseFaults } from '../../services/development/providers/faults/fault-plan.ts';
import { MAX_HELD_HOURS } from '../../services/development/providers/faults/held-back.ts';
import { progressFrom } from '../../services/development/providers/reporting/progress.ts';
import { knownConsumption } from '../../services/development/simulated-cloud/known-consumption.ts';
import { withWorkers } from '../../services/development/simulated-cloud/app-service-workers.ts';
import type {
  ChangeAnswer,
  CreatedKind,
} from '../../services/development/simulated-cloud/resource-requests.ts';
import type { CloudResource } from '../../services/development/simulated-cloud/resource.ts';
import { tenantsOf } from '../../services/development/simulated-cloud/tenant.ts';
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

/**
 * Waits until everything is reported up to an instant, stops, and tells how far each provider has reported.
 * A report of which nobody knows whether the broker has it is made again first.
 */
const stopAfter = async (
  seed: number,
  first: Started,
  instant: number,
): Promise<readonly Millis[]> => {
  for (let providers = first; ; providers = await startProviders(seed)) {
    await waitFor('everything is reported up to the instant', async () =>
      (await reportedThrough(providers)).every((each) => each >= instant),
    );
    await providers.stop();
    if (!providers.output().includes('a report did not get through')) break;
  }
  return Promise.all(
    NAMES.map(async (name) => {
      const progress = await new CloudStore(pipeline.stack.clickHouse, name).progress();
      if (progress === null) throw new Error(`${name} has remembered nothing`);
      return progress.value.reportedThrough;
    }),
  );
};

/** One of each kind, as a person creates it, and the size that it then gets. */
const BY_HAND: readonly (readonly [provider: string, kind: CreatedKind, resizedTo?: string])[] = [
  ['compute', 'vm', 'Standard_F4s'],
  ['storage', 'storage-account'],
  ['network', 'public-ip', 'dynamic'],
  ['platform', 'app-service', 'P4'],
  ['platform', 'function-app'],
  ['platform', 'key-vault'],
  ['platform', 'event-hubs', '4CU'],
  ['platform', 'sql-database', '10240MB'],
  ['platform', 'mysql-database'],
];

/** Creates resources while the providers run, and resizes some. Returns when all of it is reported for the first time. */
const changeByHand = async (providers: Started, seed: number): Promise<number> => {
  const [tenant] = tenantsOf({ seed, subscriptions: SUBSCRIPTIONS });
  if (!tenant) throw new Error('there is no tenant');
  const door = await providers.address('health');
  const ask = async (path: string, body: object): Promise<ChangeAnswer> => {
    const answer = await fetch(`${door}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (answer.status !== 200) throw new Error(await answer.text());
    return (await answer.json()) as ChangeAnswer;
  };
  let reportedAt = 0;
  for (const [provider, kind, size] of BY_HAND) {
    const { subscriptionId } = tenant;
    const created = { kind, subscriptionId, resourceGroup: 'rg-by-hand', name: `my${kind}` };
    const answers = [await ask(`${provider}/resources`, created)];
    if (size !== undefined) {
      const change = { resource: `my${kind}`, change: 'resize', size };
      answers.push(await ask(`${provider}/resources/change`, change));
    }
    reportedAt = Math.max(reportedAt, ...answers.map((answer) => answer.reportedAt));
  }
  return reportedAt;
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

/** What a person has created, and what follows from the seed. */
const resourcesOf = async (seed: number, begin: Millis): Promise<readonly CloudResource[]> => {
  const seeded = seededCloud({ seed, subscriptions: SUBSCRIPTIONS, from: begin });
  const stores = NAMES.map((name) => new CloudStore(pipeline.stack.clickHouse, name));
  const stored = (await Promise.all(stores.map((store) => store.resources()))).flat();
  return withWorkers([...seeded, ...stored.map(({ value }) => value)], OPERATOR);
};

/** What the cloud has consumed, by resource and meter, up to where each provider has reported. */
const known = async (
  seed: number,
  begin: Millis,
  through: readonly Millis[],
): Promise<ReadonlyMap<string, string>> => {
  const totals = new Map<string, Quantity>();
  const resources = await resourcesOf(seed, begin);
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
    const providers = await startProviders(seed);
    const through = await stopAfter(seed, providers, await changeByHand(providers, seed));
    await pipeline.startAggregator();
    await pipeline.settled();
    const totals = await counted();
    expect(sorted(totals)).toEqual(sorted(await known(seed, begin, through)));
    const keys = [...totals.keys()];
    const unseen = BY_HAND.filter(([, kind]) => !keys.some((key) => key.includes(`/my${kind} `)));
    // These two count requests alone, and may have had none in some seconds of the night.
    expect(unseen.filter(([, kind]) => kind !== 'key-vault' && kind !== 'function-app')).toEqual(
      [],
    );
    for (const name of ['compute', 'storage', 'network', 'web']) {
      expect(keys.some((key) => key.includes(`/providers/microsoft.${name}/`))).toBe(true);
    }
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
  const through = await stopAfter(seed, await startProviders(seed), Date.now() - 60_000);
  await pipeline.startAggregator();
  await pipeline.settled();
  const sources = await pipeline.sources();
  const first = Math.min(...sources.map(({ firstHour }) => firstHour));
  // The first hour of history reports the usage of the hour before.
  const begin = millis(first - HOUR_MILLIS);
  expect(sorted(await counted())).toEqual(sorted(await known(seed, begin, through)));
});
