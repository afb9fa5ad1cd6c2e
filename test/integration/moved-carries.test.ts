import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { readSources, type RegisteredSource } from '../../services/shared/sources/register.ts';
import { restoring } from '../support/audit/damage.ts';
import { foundIn, recountAll } from '../support/audit/recount-all.ts';
import { openBillingStack, until, type BillingStack } from '../support/bridge/billing-stack.ts';
import {
  allArrived,
  allBilled,
  allClosed,
  bridgeCommand,
  expectAllBilledOnce,
  refuseAll,
  refuseNothing,
  SHORT,
} from '../support/bridge/live-billing.ts';
import { openLive, reportUsage, SHORT_HOUR } from '../support/bridge/live-source.ts';
import type { ServiceProcess } from '../support/bridge/service-process.ts';
import { usagectl } from '../support/service-process.ts';

let stack: BillingStack;
let next: RegisteredSource;
const ends: ServiceProcess[] = [];
beforeAll(async () => {
  stack = await openBillingStack();
});
afterAll(() => stack.close());

/** Ends the first epoch of a source, and begins the next one. */
const nextEpoch = async ({ topic }: RegisteredSource): Promise<RegisteredSource> => {
  const changed = await usagectl(
    ['epoch', 'new', topic, '--partitions', '3', '--reason', 'a test'],
    { ...stack.environment, ...SHORT },
  );
  expect(changed).toMatchObject({ code: 0, stderr: '' });
  const opened = (await readSources(stack.clickHouse)).find(
    (source) => source.topic === topic && source.epoch === 2,
  );
  if (!opened) throw new Error('there is no second epoch');
  return opened;
};

interface Carried {
  readonly id: string;
  readonly hour: string;
  readonly resource: string;
  readonly moves: string;
  /** In so many submissions. */
  readonly inside: string;
  readonly epochs: readonly number[];
  readonly outcomes: readonly string[];
}

/** What was carried out of the first epoch. */
const carriedOut = (): Promise<readonly Carried[]> =>
  queryRows<Carried>(
    stack.clickHouse,
    `SELECT toString(u.submission_id) AS id, toString(toUnixTimestamp(any(u.reported_hour)) * 1000) AS hour,
       any(u.resource_key) AS resource,
       toString((SELECT count() FROM carry_moves AS m FINAL WHERE m.epoch = 1)) AS moves,
       toString(count(s.id)) AS inside, groupArray(s.epoch) AS epochs, groupArray(s.outcome) AS outcomes
     FROM commerce_usage AS u
     LEFT JOIN (SELECT arrayJoin(c.carries) AS id, c.epoch AS epoch, c.outcome AS outcome FROM commerce_usage AS c) AS s
       ON s.id = u.submission_id
     WHERE u.epoch = 1 AND u.outcome = 'carried'
     GROUP BY u.submission_id ORDER BY id`,
  );

test('carries move out of an epoch that has ended, while a bridge is killed, and are billed once', async () => {
  await stack.startCommerce({ ...SHORT, COMMERCE_FAULTS: 'on' });
  const first = await openLive(stack);
  ends.push(await stack.startAggregator(SHORT));
  await reportUsage(stack, first, 6, 1);
  await allClosed(stack, first);
  next = await nextEpoch(first);

  // What Commerce takes no more of the first epoch can only go into an hour of the second.
  await refuseAll(stack, 'Expired');
  const [killed, left] = await Promise.all([stack.startBridge(SHORT), stack.startBridge(SHORT)]);
  await until(
    async () => (await carriedOut()).length,
    (count) => count > 0,
  );
  await killed.end('SIGKILL');
  ends.push(left);
  const pendingOfFirst = () =>
    queryRows(
      stack.clickHouse,
      "SELECT 1 FROM commerce_usage WHERE epoch = 1 AND outcome = 'pending' LIMIT 1",
    );
  await until(pendingOfFirst, ({ length }) => length === 0);
  await refuseNothing(stack);
  await reportUsage(stack, next, 6, 2);
  await allBilled(stack, next);
  await allArrived(stack);

  const carried = await carriedOut();
  expect(carried).not.toHaveLength(0);
  for (const { inside, epochs, moves } of carried) {
    expect({ inside, epochs, moves }).toEqual({
      inside: '1',
      epochs: [2],
      moves: String(carried.length),
    });
  }
  await expectAllBilledOnce(stack);
  expect(await bridgeCommand(stack, 'reconcile')).toMatchObject({ code: 0 });
});

test('a moved carry that is lost is named by reconcile and by the audit, with exit code 1', async () => {
  // Hours that began after it had moved are composed.
  const [moved] = await queryRows<{ readonly at: string }>(
    stack.clickHouse,
    'SELECT toString(toUnixTimestamp(max(m.at))) AS at FROM carry_moves AS m',
  );
  await until(
    async () => {
      const rows = await queryRows<{ readonly last: string }>(
        stack.clickHouse,
        `SELECT toString(toUnixTimestamp(max(reported_hour))) AS last FROM compositions
         WHERE epoch = 2 GROUP BY partition`,
      );
      return rows.length < next.partitions ? 0 : Math.min(...rows.map(({ last }) => Number(last)));
    },
    (last) => last > Number(moved?.at) + (3 * SHORT_HOUR) / 1000,
  );
  for (const service of ends) await service.end('SIGTERM');

  const [lost] = await carriedOut();
  if (!lost) throw new Error('nothing was carried');
  const [found, audit] = await restoring(stack.clickHouse, ['commerce_submissions'], async () => {
    await stack.clickHouse.command({
      query: `ALTER TABLE commerce_submissions UPDATE carries = arrayFilter(id -> id != toUUID('${lost.id}'), carries)
        WHERE has(carries, toUUID('${lost.id}'))`,
      clickhouse_settings: { mutations_sync: '1' },
    });
    return [
      await bridgeCommand(stack, 'reconcile', '--json'),
      await recountAll(stack, stack.tools),
    ] as const;
  });
  expect(found.code).toBe(1);
  const { differences } = JSON.parse(found.stdout) as { differences: readonly unknown[] };
  expect(differences).toContainEqual(
    expect.objectContaining({
      kind: 'lost-carry',
      hour: Number(lost.hour),
      resourceKey: lost.resource,
      found: '0',
    }),
  );
  expect(foundIn(audit)).toContain('billing: was carried, and is inside no submission');
  expect(audit.first.map(({ row }) => row)).toContainEqual(expect.stringContaining(lost.id));
  // With its rows as they were, nothing differs.
  expect((await stack.reconcile()).differences).toEqual([]);
});
