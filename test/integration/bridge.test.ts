import { jest } from '@jest/globals';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { beginHistory, writeHistory } from '../../services/shared/sources/history-run.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/time.ts';
import { pastOf } from '../support/bridge/billable-events.ts';
import { openBillingStack, until, type BillingStack } from '../support/bridge/billing-stack.ts';

jest.setTimeout(120_000);

let stack: BillingStack;
beforeEach(async () => {
  stack = await openBillingStack();
});
afterEach(() => stack.close());

const FIRST = Date.UTC(2025, 0, 1) as Hour;

const writePast = async (
  hours: number,
  resources: number,
  { billable = true, firstHour = FIRST } = {},
): Promise<void> => {
  const begun = await beginHistory(
    stack.tools,
    {
      origin: `test-${String(firstHour)}`,
      firstHour,
      lastHour: (firstHour + (hours - 1) * HOUR_MILLIS) as Hour,
      hourMillis: HOUR_MILLIS,
      partitions: 2,
      billable,
    },
    stack.config.USAGE_TOPIC_PREFIX,
  );
  await writeHistory(stack.tools, begun.source, pastOf(firstHour, hours, resources));
};

test('what Commerce accepted is the billable part of what ClickHouse holds, exactly', async () => {
  const commerce = await stack.startCommerce();
  await Promise.all([stack.startAggregator(), stack.startBridge(), writePast(5, 10)]);
  const counts = await until(
    () => stack.counts(),
    ({ compositions, pending }) => compositions === 10 && pending === 0,
  );
  const reconciled = await stack.reconcile();
  expect(reconciled.differences).toEqual([]);
  // 10 resources use 5 billable meters and an unknown one in each of 5 hours; one meter counts zero
  expect(reconciled.compared).toBe(300);
  expect(counts).toMatchObject({
    aggregates: 300,
    submissions: 300,
    held: 50,
    duplicate: 0,
    mismatch: 0,
    carried: 0,
    deadLettered: 0,
  });
  expect(counts.accepted + counts.zero).toBe(250);
  expect(counts.zero).toBeGreaterThan(0);
  expect(commerce.url).toBe(stack.commerceUrl);
  const [total] = await queryRows<{ n: string }>(
    stack.clickHouse,
    "SELECT toString(count()) AS n FROM commerce_usage WHERE outcome = 'accepted'",
  );
  expect(Number(total?.n)).toBe(counts.accepted);
});
