import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { beginHistory, writeHistory } from '../../services/shared/sources/history-run.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/time.ts';
import { pastOf } from '../support/bridge/billable-events.ts';
import { openBillingStack, until, type BillingStack } from '../support/bridge/billing-stack.ts';
import { usagectl } from '../support/service-process.ts';

const FIRST = Date.UTC(2025, 0, 1) as Hour;
const HOURS = 3;
const RANGE = ['--from', '2025-01-01T00:00:00Z', '--to', '2025-01-01T02:00:00Z'];

let stack: BillingStack;
let topic: string;
let endCommerce: () => Promise<unknown>;

beforeAll(async () => {
  stack = await openBillingStack();
  const commerce = await stack.startCommerce();
  endCommerce = () => commerce.end('SIGKILL');
  await Promise.all([stack.startAggregator(), stack.startBridge()]);
  const { source } = await beginHistory(
    stack.tools,
    {
      origin: 'reconcile',
      firstHour: FIRST,
      lastHour: (FIRST + (HOURS - 1) * HOUR_MILLIS) as Hour,
      hourMillis: HOUR_MILLIS,
      partitions: 2,
      billable: true,
    },
    stack.config.USAGE_TOPIC_PREFIX,
  );
  topic = source.topic;
  await writeHistory(stack.tools, source, pastOf(FIRST, HOURS, 4));
  await until(
    () => stack.counts(),
    ({ compositions, pending }) => compositions === HOURS * 2 && pending === 0,
  );
});

afterAll(() => stack.close());

const run = (...args: readonly string[]) =>
  usagectl(args, { ...stack.environment, COMMERCE_URL: stack.commerceUrl });

interface Found {
  readonly differences: readonly Readonly<Record<string, string | number>>[];
  readonly withoutCommerce: string | null;
}

const reconciled = async (...args: readonly string[]): Promise<Found & { code: number | null }> => {
  const { code, stdout } = await run('reconcile', '--json', ...args);
  return { code, ...(JSON.parse(stdout) as Found) };
};

test('what is billed is what the windows hold, by meter, and nothing differs', async () => {
  const { code, stdout } = await run('reconcile');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^BILLABLE, BY METER +WINDOWS +SUBMITTED +COMMERCE$/m);
  expect(stdout).toMatch(/ equal$/m);
  expect(stdout).toMatch(/^Submissions: \d+ accepted, \d+ held, \d+ zero\.$/m);
  expect(stdout).toMatch(/^Compared 72 resources, meters and hours: no difference\.$/m);
});

test('a billed hour that is rebuilt is not billed again: reconcile shows exactly the difference', async () => {
  // An event is lost from the ledger, and somebody rebuilds the windows from that.
  const [lost] = await queryRows<Record<string, string>>(
    stack.clickHouse,
    `SELECT toString(partition) AS partition, toString(e.offset) AS offset, lower(resource_uri) AS resource, lower(meter_id) AS meter,
       toString(s.quantity) AS billed, toString(s.quantity - e.quantity) AS rest, toString(e.quantity) AS quantity
     FROM usage_events AS e FINAL INNER JOIN commerce_usage AS s
       ON s.resource_key = lower(e.resource_uri) AND s.dimension_key = lower(e.meter_id) AND s.reported_hour = e.reported_hour
     WHERE s.outcome = 'accepted' AND e.quantity > 0 AND e.reported_hour = '2025-01-01 01:00:00'
     ORDER BY partition, e.offset LIMIT 1`,
  );
  if (!lost) throw new Error('nothing was billed');
  await stack.clickHouse.command({
    query: `ALTER TABLE usage_events DELETE WHERE partition = ${String(lost['partition'])} AND offset = ${String(lost['offset'])}`,
    clickhouse_settings: { mutations_sync: '2' },
  });
  expect(await run('rebuild', topic, ...RANGE, '--apply', '--reason', 'a test')).toMatchObject({
    code: 0,
  });

  const found = await reconciled();
  expect(found.code).toBe(1);
  expect(found.differences).toEqual([
    {
      kind: 'wrong-submission',
      hour: FIRST + HOUR_MILLIS,
      resourceKey: lost['resource'],
      dimensionKey: lost['meter'],
      expected: lost['rest'],
      found: lost['billed'],
    },
  ]);
  const { code, stdout } = await run('reconcile', ...RANGE);
  expect(code).toBe(1);
  expect(stdout).toMatch(/: 1 difference\.$/m);
  const [line = ''] = stdout.split('\n').filter((each) => each.includes('differ '));
  expect(line.startsWith('2025-01-01T01:00:00Z')).toBe(true);
  expect(line.endsWith(` ${String(lost['quantity'])}`)).toBe(true); // billed too much
  const otherHour = '2025-01-01T00:00:00Z'; // Commerce has later ones, which are not compared
  expect((await reconciled('--from', otherHour, '--to', otherHour)).differences).toEqual([]);

  // Commerce is away: what was submitted still tells.
  await endCommerce();
  const alone = await reconciled();
  expect(alone).toMatchObject({ code: 1, differences: found.differences });
  expect(alone.withoutCommerce).toMatch(/^Commerce at http.* does not tell/);

  // The log still has the event: with it the windows are again what was billed.
  expect(
    await run('rebuild', topic, ...RANGE, '--from-log', '--apply', '--reason', 'a test'),
  ).toMatchObject({ code: 0 });
  const mended = await run('reconcile');
  expect(mended).toMatchObject({ code: 0 });
  expect(mended.stdout).toMatch(/^Windows and submissions are compared alone\. Commerce at /m);
  expect(mended.stdout).toMatch(/: no difference\.$/m);
});
