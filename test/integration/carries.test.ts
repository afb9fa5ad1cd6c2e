import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { readTerms, writeTerms } from '../../services/shared/billing/terms-table.ts';
import { nextHour, hourOf, millis } from '../../services/shared/model/time.ts';
import { foundIn, recountAll } from '../support/audit/recount-all.ts';
import { UNKNOWN } from '../support/bridge/aggregates-log.ts';
import { openBillingStack, until, type BillingStack } from '../support/bridge/billing-stack.ts';
import {
  allArrived,
  allBilled,
  bridgeCommand,
  expectAllBilledOnce,
  refuseAll,
  refuseNothing,
  SHORT,
} from '../support/bridge/live-billing.ts';
import { openLive, reportUsage, SHORT_HOUR } from '../support/bridge/live-source.ts';

let stack: BillingStack;
beforeEach(async () => {
  stack = await openBillingStack();
});
afterEach(() => stack.close());

const bridge = (...args: readonly string[]) => bridgeCommand(stack, ...args);

/** From the next hour on the terms know the meter that nobody knew, as after a change of the catalog. */
const learnUnknownMeter = async (): Promise<void> => {
  const newest = (await readTerms(stack.clickHouse)).at(-1);
  if (!newest) throw new Error('there are no terms');
  await writeTerms(stack.clickHouse, {
    ...newest,
    effectiveFrom: nextHour(hourOf(millis(Date.now()), SHORT_HOUR), SHORT_HOUR),
    billedMeters: [
      ...newest.billedMeters,
      { meterId: UNKNOWN, dimension: 'learned', planId: newest.planId },
    ],
    digest: newest.digest.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
  });
};

test('held usage is released by itself when the catalog learns its meter, with two bridges, once', async () => {
  await stack.startCommerce({ ...SHORT, COMMERCE_DIMENSIONS: 'any' });
  const source = await openLive(stack);
  await stack.startAggregator(SHORT);
  await Promise.all([stack.startBridge(SHORT), stack.startBridge(SHORT)]);
  await reportUsage(stack, source, 4, 1);
  await allBilled(stack, source);
  expect((await stack.counts()).held).toBeGreaterThan(0);
  await learnUnknownMeter();
  await until(
    () => stack.counts(),
    ({ held, carried }) => held === 0 && carried > 0,
  );
  await allArrived(stack);
  await expectAllBilledOnce(stack);
  const rows = await queryRows(
    stack.clickHouse,
    `SELECT DISTINCT dimension, arrayStringConcat(meters, ' ') AS meters, length(usage_months) AS months,
       outcome IN ('accepted', 'duplicate') AS isHeldByCommerce
     FROM commerce_usage WHERE notEmpty(carries)`,
  );
  // Where both bridges have sent it, the second is told that it is a duplicate.
  expect(rows).toEqual([{ dimension: 'learned', meters: UNKNOWN, months: 1, isHeldByCommerce: 1 }]);
});

test('what Commerce refused is resubmitted once the cause is mended, and billed once', async () => {
  await stack.startCommerce({ ...SHORT, COMMERCE_FAULTS: 'on' });
  const source = await openLive(stack);
  await stack.startAggregator(SHORT);
  await refuseAll(stack, 'ResourceNotFound');
  await stack.startBridge(SHORT);
  await reportUsage(stack, source, 4, 1);
  await allBilled(stack, source);
  const { deadLettered } = await stack.counts();
  expect(deadLettered).toBeGreaterThan(0);
  await refuseNothing(stack);
  const because = ['--reason', 'the resources are known to Commerce now'];

  const early = await bridge('resubmit', ...because);
  expect(early).toMatchObject({ code: 1 });
  expect(early.stdout).toContain('Commerce may still accept its hour');
  const planned = await bridge('resubmit', '--at-once', '--dry-run', ...because);
  expect(planned).toMatchObject({ code: 0 });
  expect(planned.stdout).toContain('would be carried into the next hour');
  expect((await stack.counts()).deadLettered).toBe(deadLettered);

  const done = await bridge('resubmit', '--at-once', '--code', 'ResourceNotFound', ...because);
  expect(done).toMatchObject({ code: 0 });
  expect(done.stdout).toContain('ResourceNotFound');
  expect((await bridge('resubmit', '--at-once', ...because)).stdout).toContain(
    'No usage is refused',
  );
  await reportUsage(stack, source, 2, 2);
  await allBilled(stack, source);
  await allArrived(stack);
  expect(await stack.counts()).toMatchObject({
    carried: deadLettered,
    deadLettered: 0,
    mismatch: 0,
  });
  const { differences } = await stack.reconcile();
  expect(differences).toEqual([]);
  expect(foundIn(await recountAll(stack, stack.tools))).toEqual([]);
});

test('held usage of a meter that nobody knows is left, with exit code 1 and what to do', async () => {
  await stack.startCommerce(SHORT);
  const source = await openLive(stack);
  await stack.startAggregator(SHORT);
  await stack.startBridge(SHORT);
  await reportUsage(stack, source, 1, 1);
  await allBilled(stack, source);
  const left = await bridge('release', '--reason', 'a try');
  expect(left).toMatchObject({ code: 1 });
  expect(left.stdout).toContain(`do not know the meter ${UNKNOWN}: add it to schemas/meters.json`);
});
