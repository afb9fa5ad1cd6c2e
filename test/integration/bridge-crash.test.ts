import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { hourOf, millis } from '../../services/shared/model/time.ts';
import {
  allComposed,
  openBillingStack,
  until,
  type BillingStack,
} from '../support/bridge/billing-stack.ts';
import { openHour, openLive, reportUsage, SHORT_HOUR } from '../support/bridge/live-source.ts';
import { seededRandom } from '../support/workload/random.ts';

let stack: BillingStack;
beforeEach(async () => {
  stack = await openBillingStack();
});
afterEach(() => stack.close());

interface Victim {
  readonly start: () => Promise<{ end(signal: NodeJS.Signals): Promise<unknown> }>;
  running: { end(signal: NodeJS.Signals): Promise<unknown> } | null;
}

/** How much must have happened before the killing stops, however long that takes. */
const ENOUGH = { resourceHours: 8 * 8, kills: 12 };

/** Resources with usage in a reported hour, over all reported hours. */
const resourceHours = async (): Promise<number> => {
  const [row] = await queryRows<{ readonly n: string }>(
    stack.clickHouse,
    'SELECT toString(uniqExact(reported_hour, resource_uri)) AS n FROM usage_hourly',
  );
  return Number(row?.n);
};

/** Makes Commerce misbehave now and then: it breaks off, with or without having stored. */
const misbehave = async (url: string, stored: boolean): Promise<void> => {
  await fetch(`${url}/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'close', stored, method: 'POST' }),
  }).catch(() => undefined); // it may be dead just now
};

test('bridges, mock and aggregator are killed at random: nothing is billed twice or missing', async () => {
  const seed = Number(process.env['CRASH_SEED'] ?? Date.now());
  const random = seededRandom(seed);
  const hours = { USAGE_HOUR_MILLIS: String(SHORT_HOUR) };
  const source = await openLive(stack);
  const victims: readonly Victim[] = [
    { start: () => stack.startCommerce({ ...hours, COMMERCE_FAULTS: 'on' }), running: null },
    { start: () => stack.startAggregator(hours), running: null },
    { start: () => stack.startBridge(hours), running: null },
    { start: () => stack.startBridge(hours), running: null },
  ];
  for (const victim of victims) victim.running = await victim.start();

  let over = false as boolean;
  const reporting = (async () => {
    for (let n = 0; !over; n++) {
      await reportUsage(stack, source, 8, n);
      await misbehave(stack.commerceUrl, random.chance(0.5));
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  })();
  for (let kills = 0; !over; kills++) {
    await new Promise((resolve) => setTimeout(resolve, random.below(1_000)));
    const victim = random.pick(victims);
    await victim.running?.end('SIGKILL');
    victim.running = await victim.start();
    over = kills >= ENOUGH.kills && (await resourceHours()) > ENOUGH.resourceHours;
  }
  await reporting;
  const end = hourOf(millis(Date.now()), SHORT_HOUR) + SHORT_HOUR;

  await until(
    () => openHour(stack, source),
    (closed) => closed >= end,
  );
  await allComposed(stack);
  const { differences, compared } = await stack.reconcile();
  const counts = await stack.counts();
  expect({ seed, differences }).toEqual({ seed, differences: [] });
  expect(compared).toBeGreaterThan(ENOUGH.resourceHours);
  expect(counts).toMatchObject({ mismatch: 0, carried: 0, deadLettered: 0 });
});
