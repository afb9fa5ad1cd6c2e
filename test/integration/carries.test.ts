import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { readTerms, writeTerms } from '../../services/shared/billing/terms-table.ts';
import { nextHour, hourOf, millis } from '../../services/shared/model/time.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { foundIn, recountAll } from '../support/audit/recount-all.ts';
import { UNKNOWN } from '../support/bridge/aggregates-log.ts';
import {
  allComposed,
  openBillingStack,
  until,
  type BillingStack,
} from '../support/bridge/billing-stack.ts';
import { openHour, openLive, reportUsage, SHORT_HOUR } from '../support/bridge/live-source.ts';
import { usagectl } from '../support/service-process.ts';

let stack: BillingStack;
beforeEach(async () => {
  stack = await openBillingStack();
});
afterEach(() => stack.close());

const SHORT = { USAGE_HOUR_MILLIS: String(SHORT_HOUR) };

/** Has Commerce refuse everything, until it is told otherwise. */
const refuseAll = async (status: string): Promise<void> => {
  const answer = await fetch(`${stack.commerceUrl}/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'refuse', status, count: 1_000 }),
  });
  expect(answer.ok).toBe(true);
};

const refuseNothing = async (): Promise<void> => {
  expect((await fetch(`${stack.commerceUrl}/faults`, { method: 'DELETE' })).ok).toBe(true);
};

const allBilled = async (source: RegisteredSource): Promise<void> => {
  const now = Date.now();
  await until(
    () => openHour(stack, source),
    (closed) => closed > now,
  );
  await allComposed(stack);
};

/** Waits until every carry is inside a submission, and nothing is on its way to Commerce. */
const allArrived = async (): Promise<void> => {
  await until(
    async () => {
      const [row] = await queryRows<{ n: string }>(
        stack.clickHouse,
        `SELECT toString(count()) AS n FROM commerce_usage WHERE outcome = 'pending' OR (outcome = 'carried'
           AND submission_id NOT IN (SELECT arrayJoin(carries) FROM commerce_usage))`,
      );
      return Number(row?.n);
    },
    (count) => count === 0,
  );
};

/** Everything that is billable is at Commerce once, by reconcile and by the audit. */
const expectAllBilledOnce = async (): Promise<void> => {
  const { differences, dimensions } = await stack.reconcile();
  expect(differences).toEqual([]);
  const total = (side: 'windows' | 'accepted'): bigint =>
    dimensions.reduce((sum, each) => sum + each[side], 0n);
  expect(total('accepted')).toBe(total('windows'));
  expect(foundIn(await recountAll(stack, stack.tools))).toEqual([]);
};

const bridge = (...args: readonly string[]) =>
  usagectl(['bridge', ...args], {
    ...stack.environment,
    ...SHORT,
    COMMERCE_URL: stack.commerceUrl,
  });

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
  await allBilled(source);
  expect((await stack.counts()).held).toBeGreaterThan(0);
  await learnUnknownMeter();
  await until(
    () => stack.counts(),
    ({ held, carried }) => held === 0 && carried > 0,
  );
  await allArrived();
  await expectAllBilledOnce();
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
  await refuseAll('ResourceNotFound');
  await stack.startBridge(SHORT);
  await reportUsage(stack, source, 4, 1);
  await allBilled(source);
  const { deadLettered } = await stack.counts();
  expect(deadLettered).toBeGreaterThan(0);
  await refuseNothing();
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
  await allBilled(source);
  await allArrived();
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
  await allBilled(source);
  const left = await bridge('release', '--reason', 'a try');
  expect(left).toMatchObject({ code: 1 });
  expect(left.stdout).toContain(`do not know the meter ${UNKNOWN}: add it to schemas/meters.json`);
});
