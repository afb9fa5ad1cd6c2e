import { openUsageProvider, quantities, type Usage } from '../../services/provider-sdk/index.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { hourOf, millis } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';

/** From a provider's own words to the windows, on hours that tests have shortened. */
const HOUR_MILLIS = 5_000;
const SUBSCRIPTION = '11111111-2222-4333-8444-555555555555';
const CORE_HOURS = 'fab6eb84-500b-4a09-a8ca-7358f8bbaea5';

let pipeline: Pipeline;

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
  await pipeline.startAggregator();
});

afterAll(async () => {
  await pipeline.close();
});

test('each usage is in the ledger once, however often it is emitted, and its windows are exact', async () => {
  const source = (await pipeline.sources()).find(({ topic }) => topic.endsWith('.compute'));
  const topic = source?.topic ?? '';
  const options = { kafka: pipeline.stack.config, topic, hourMillis: HOUR_MILLIS };
  const to = hourOf(millis(Date.now()), HOUR_MILLIS);
  const from = to - 3 * HOUR_MILLIS - 1_234; // it touches four hours
  const usages = Array.from({ length: 50 }, (_, n): Usage => ({
    subscriptionId: SUBSCRIPTION,
    resourceUri: `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm-${String(n)}`,
    meterId: CORE_HOURS,
    from,
    to,
    quantity: quantities.coreHours(n + 1, from, to),
    location: 'local',
  }));
  const provider = await openUsageProvider(options);
  await provider.emit(usages);
  await provider.emit([...usages].reverse());
  await provider.close();
  // A provider that has started again emits what it is not sure of.
  const next = await openUsageProvider(options);
  await Promise.all(usages.slice(0, 20).map((usage) => next.emit(usage)));
  await next.close();
  await pipeline.settled();
  const rows = await queryRows<{ resource: string; events: string; hours: string; total: string }>(
    pipeline.stack.clickHouse,
    `SELECT resource_uri AS resource, toString(count()) AS events, toString(uniqExact(usage_start)) AS hours,
       toString(sum(quantity)) AS total
     FROM usage_events FINAL GROUP BY resource_uri`,
  );
  expect(rows).toHaveLength(50);
  for (const usage of usages) {
    const row = rows.find(({ resource }) => resource === usage.resourceUri);
    expect(row).toEqual({
      resource: usage.resourceUri,
      events: '4',
      hours: '4',
      total: usage.quantity,
    });
  }
  const refused = await queryRows(pipeline.stack.clickHouse, 'SELECT code FROM dead_letters');
  expect(refused).toEqual([]);
  await pipeline.stopAll();
  const result = await pipeline.usagectl('audit', '--json', '--no-billing');
  expect(result.code).toBe(0);
});
