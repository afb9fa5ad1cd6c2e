import { queryRows } from '../../../services/shared/clickhouse/client.ts';
import type { RegisteredSource } from '../../../services/shared/sources/register.ts';
import { foundIn, recountAll } from '../audit/recount-all.ts';
import { usagectl } from '../service-process.ts';
import { UNKNOWN } from './aggregates-log.ts';
import { allComposed, until, type BillingStack } from './billing-stack.ts';
import { openHour, SHORT_HOUR } from './live-source.ts';

export const SHORT = { USAGE_HOUR_MILLIS: String(SHORT_HOUR) };

/** Has Commerce refuse everything, until it is told otherwise. */
export const refuseAll = async (stack: BillingStack, status: string): Promise<void> => {
  const answer = await fetch(`${stack.commerceUrl}/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'refuse', status, count: 1_000 }),
  });
  expect(answer.ok).toBe(true);
};

export const refuseNothing = async (stack: BillingStack): Promise<void> => {
  expect((await fetch(`${stack.commerceUrl}/faults`, { method: 'DELETE' })).ok).toBe(true);
};

/** Waits until everything reported before is closed. */
export const allClosed = async (stack: BillingStack, source: RegisteredSource): Promise<void> => {
  const now = Date.now();
  await until(
    () => openHour(stack, source),
    (closed) => closed > now,
  );
};

export const allBilled = async (stack: BillingStack, source: RegisteredSource): Promise<void> => {
  await allClosed(stack, source);
  await allComposed(stack);
};

/** Waits until every carry is inside a submission, and nothing is on its way to Commerce. */
export const allArrived = async (stack: BillingStack): Promise<void> => {
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

/** Everything that is billable is at Commerce once, by reconcile and by the audit; what is held is not billable yet. */
export const expectAllBilledOnce = async (stack: BillingStack): Promise<void> => {
  const { differences, dimensions, unbilled } = await stack.reconcile();
  expect(differences).toEqual([]);
  const held = unbilled.map(({ why, dimensionKey }) => [why, dimensionKey]);
  expect(
    held.filter(([why, dimension]) => why !== 'held' || dimension !== UNKNOWN.toLowerCase()),
  ).toEqual([]);
  const billed = dimensions.filter(
    ({ dimensionKey }) => !held.some(([, dimension]) => dimension === dimensionKey),
  );
  const total = (side: 'windows' | 'accepted'): bigint =>
    billed.reduce((sum, each) => sum + each[side], 0n);
  expect(total('accepted')).toBeGreaterThan(0n);
  expect(total('accepted')).toBe(total('windows'));
  expect(foundIn(await recountAll(stack, stack.tools))).toEqual([]);
};

export const bridgeCommand = (stack: BillingStack, ...args: readonly string[]) =>
  usagectl(['bridge', ...args], {
    ...stack.environment,
    ...SHORT,
    COMMERCE_URL: stack.commerceUrl,
  });
