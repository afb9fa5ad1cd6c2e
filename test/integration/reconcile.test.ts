import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { beginHistory, writeHistory } from '../../services/operations/history-runs/history-run.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/model/time.ts';
import { pastOf } from '../support/bridge/billable-events.ts';
import { openBillingStack, until, type BillingStack } from '../support/bridge/billing-stack.ts';
import { usagectl } from '../support/service-process.ts';

const FIRST = Date.UTC(2025, 0, 1) as Hour;
const HOURS = 3;
const RANGE = ['--from', '2025-01-01T00:00:00Z', '--to', '2025-01-01T03:00:00Z'];

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
  const { code, stdout } = await run('bridge', 'reconcile', '--json', ...args);
  return { code, ...(JSON.parse(stdout) as Found) };
};

test('what is billed is what the windows hold, by meter, and nothing differs', async () => {
  const { code, stdout } = await run('bridge', 'reconcile');
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
      reason: '',
    },
  ]);
  const { code, stdout } = await run('bridge', 'reconcile', ...RANGE);
  expect(code).toBe(1);
  expect(stdout).toMatch(/: 1 difference\.$/m);
  const [line = ''] = stdout.split('\n').filter((each) => each.includes('differ '));
  expect(line.startsWith('2025-01-01T01:00:00Z')).toBe(true);
  expect(line.endsWith(` ${String(lost['quantity'])}`)).toBe(true); // billed too much
  // Commerce has later ones, which are not compared.
  const before = ['--from', '2025-01-01T00:00:00Z', '--to', '2025-01-01T01:00:00Z'];
  expect((await reconciled(...before)).differences).toEqual([]);
  const { stdout: shown } = await run('bridge', 'reconcile', ...before);
  expect(shown).toMatch(
    /^Reported hours from 2025-01-01T00:00:00Z to 2025-01-01T01:00:00Z \(end not included\)$/m,
  );
  const none = await run('bridge', 'reconcile', '--from', before[1] ?? '', '--to', before[1] ?? '');
  expect(none).toMatchObject({ code: 1 });
  expect(none.stderr).toContain('--to must be after --from');

  // The log still has the event: with it the windows are again what was billed.
  expect(
    await run('rebuild', topic, ...RANGE, '--from-log', '--apply', '--reason', 'a test'),
  ).toMatchObject({ code: 0 });
  expect(await reconciled()).toMatchObject({ code: 0, differences: [], withoutCommerce: null });
});

test('a comparison without Commerce fails and says so: what could not be asked may hold anything', async () => {
  await endCommerce();
  const { code, stdout } = await run('bridge', 'reconcile');
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /^NOT COMPARED WITH COMMERCE: Commerce at http.* does not tell what it has accepted .*: set COMMERCE_URL, and COMMERCE_TOKEN or COMMERCE_CLIENT_ID\. Windows and submissions alone, 72 .*: no difference\.$/m,
  );
  expect(stdout).not.toMatch(/^Compared /m);
  const json = await reconciled();
  expect(json).toMatchObject({ code: 1, differences: [] });
  expect(json.withoutCommerce).toMatch(/^Commerce at http.* does not tell/);
  await stack.startCommerce();
  expect((await run('bridge', 'reconcile')).code).toBe(0);
});

test('where there was nothing to compare, that is no success', async () => {
  const [hour, next] = ['2024-01-01T00:00:00Z', '2024-01-01T01:00:00Z'] as const;
  const { code, stdout, stderr } = await run('bridge', 'reconcile', '--from', hour, '--to', next);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(
    /^usagectl: Nothing could be compared: no hour of a billable source is closed/,
  );
});

test('usage that Commerce refused for good is not what one may be content with', async () => {
  await stack.clickHouse.command({
    query: `INSERT INTO commerce_outcomes (topic, epoch, partition, reported_hour, submission_id, outcome, code, message, rank)
      SELECT topic, epoch, partition, reported_hour, submission_id, 'dead-lettered', 'BadArgument', 'no \u001b[2J text', 255
      FROM commerce_usage WHERE outcome = 'accepted' AND quantity > 0 ORDER BY submission_id LIMIT 1`,
  });
  const { code, stdout } = await run('bridge', 'reconcile');
  expect(code).toBe(1);
  expect(stdout).toMatch(/^dead-lettered +.* 1 +\S+ +Commerce refused it for good$/m);
  expect(stdout).toContain(
    'Commerce refused it for good: it is not billed (BadArgument: no \\u001b[2J text)',
  );
  expect(stdout).not.toContain('\u001b');
});
