import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { controlRecord } from '../../services/shared/model/control-record.ts';
import { serializeRules } from '../../services/shared/model/rules.ts';
import { takenUpBy } from '../../services/shared/model/source.ts';
import { hourOf, millis, type Hour } from '../../services/shared/model/time.ts';
import { writeSource, type RegisteredSource } from '../../services/shared/sources/register.ts';
import { rulesFor } from '../../services/shared/sources/rules-for.ts';
import { openBillingStack, until, type BillingStack } from '../support/bridge/billing-stack.ts';
import {
  allArrived,
  allBilled,
  bridgeCommand,
  expectAllBilledOnce,
  SHORT,
} from '../support/bridge/live-billing.ts';
import { openLive, reportUsage, SHORT_HOUR } from '../support/bridge/live-source.ts';

const COMPUTE = 'microsoft.compute';

let stack: BillingStack;
beforeAll(async () => {
  stack = await openBillingStack();
});
afterAll(() => stack.close());

const OTHER = { name: 'other', namespaces: ['microsoft.storage'], partitions: 1 };

/** Compute goes from one topic to another, which bills it from an hour on. Both take its usage all the time. */
const moveCompute = async (
  from: RegisteredSource,
  to: RegisteredSource,
  at: Hour,
): Promise<void> => {
  const { clickHouse, writer, schemas, keyring } = stack.tools;
  const gained = { namespace: COMPUTE, from: at };
  const taking = await writeSource(clickHouse, {
    ...to,
    namespaces: [...to.namespaces, COMPUTE],
    takenUp: [...takenUpBy(to), gained],
  });
  await writeSource(clickHouse, {
    ...from,
    namespaces: ['microsoft.network'],
    takenUp: takenUpBy(from),
  });
  const place = { topic: to.topic, epoch: to.epoch, partition: 0 };
  const rules = serializeRules(rulesFor(taking, 2, schemas, keyring));
  await writer.append(place, [controlRecord('rules', place, rules, keyring)]);
};

test('where a provider moves while no bridge runs, both topics have usage of one hour, and it is billed once', async () => {
  await stack.startCommerce({ ...SHORT });
  const first = await openLive(stack);
  const other = await openLive(stack, OTHER);
  await stack.startAggregator(SHORT);
  const at = (hourOf(millis(Date.now()), SHORT_HOUR) + 5 * SHORT_HOUR) as Hour;
  await moveCompute(first, other, at);
  for (let n = 1; n < 6 || Date.now() < at + 2 * SHORT_HOUR; n += 2) {
    await reportUsage(stack, first, 3, n);
    await reportUsage(stack, other, 3, n + 1);
    await new Promise((resolve) => setTimeout(resolve, SHORT_HOUR / 2));
  }
  await stack.startBridge(SHORT);
  await allBilled(stack, first);
  await allBilled(stack, other);
  await allArrived(stack);

  const held = await queryRows<{ readonly topic: string; readonly outcomes: readonly string[] }>(
    stack.clickHouse,
    `SELECT topic, groupUniqArray(outcome) AS outcomes FROM commerce_usage
     WHERE reason = 'served-elsewhere' GROUP BY topic ORDER BY topic`,
  );
  expect(held).toEqual(
    [first.topic, other.topic].sort().map((topic) => ({ topic, outcomes: ['carried'] })),
  );
  expect((await stack.counts()).mismatch).toBe(0);
  await until(
    async () => (await stack.reconcile()).differences,
    (differences) => differences.length === 0,
  );
  await expectAllBilledOnce(stack);
  expect(await bridgeCommand(stack, 'reconcile')).toMatchObject({ code: 0 });
});
