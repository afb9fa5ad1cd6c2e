import { audit, type AuditReport } from '../../services/cli/audit/audit.ts';
import { beginHistory, writeHistory } from '../../services/shared/sources/history-run.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/time.ts';
import { pastOf } from '../support/bridge/billable-events.ts';
import { openBillingStack, until, type BillingStack } from '../support/bridge/billing-stack.ts';

const FIRST = Date.UTC(2025, 0, 1) as Hour;
const HOURS = 5;

let stack: BillingStack;

const recount = (billing = true): Promise<AuditReport> =>
  audit(
    {
      clickHouse: stack.clickHouse,
      kafka: stack.kafka,
      admin: stack.tools.admin,
      keyring: stack.keyring,
    },
    { topic: null, limit: 20, billing, maxIdBytes: 1024 * 1024, onProgress: () => undefined },
  );

const command = async (query: string): Promise<void> => {
  await stack.clickHouse.command({ query });
};

beforeAll(async () => {
  stack = await openBillingStack();
  await stack.startCommerce();
  const begun = await beginHistory(
    stack.tools,
    {
      origin: 'audit-billing',
      firstHour: FIRST,
      lastHour: (FIRST + (HOURS - 1) * HOUR_MILLIS) as Hour,
      hourMillis: HOUR_MILLIS,
      partitions: 2,
      billable: true,
    },
    stack.config.USAGE_TOPIC_PREFIX,
  );
  await writeHistory(stack.tools, begun.source, pastOf(FIRST, HOURS, 6));
  const aggregator = await stack.startAggregator();
  const bridge = await stack.startBridge();
  await until(
    () => stack.counts(),
    ({ compositions, pending }) => compositions === 2 * HOURS && pending === 0,
  );
  await bridge.end('SIGTERM');
  await aggregator.end('SIGTERM');
}, 120_000);

afterAll(() => stack.close());

test('what the bridge composed is what the log comes to', async () => {
  const report = await recount();
  expect(report.first).toEqual([]);
  const billing = report.partitions.map((each) => each.billing);
  expect(billing.map(({ composed }) => composed)).toEqual([HOURS, HOURS]);
  expect(billing.map(({ waiting }) => waiting)).toEqual([0, 0]);
  const { submissions } = await stack.counts();
  expect(billing.reduce((sum, each) => sum + each.submissions, 0)).toBe(submissions);
}, 60_000);

const tamperings = [
  {
    what: 'a submission with another quantity',
    change: `INSERT INTO commerce_submissions SELECT * REPLACE (quantity + 1 AS quantity)
      FROM commerce_submissions FINAL WHERE disposition = 'send' ORDER BY submission_id LIMIT 1`,
    restore: `INSERT INTO commerce_submissions SELECT * REPLACE (quantity - 1 AS quantity)
      FROM commerce_submissions FINAL WHERE disposition = 'send' ORDER BY submission_id LIMIT 1`,
    found: [/^quantity is \S+, recounted \S+$/, /^quantity is \S+, accepted \S+$/],
  },
  {
    what: 'a submission of what nobody used',
    change: `INSERT INTO commerce_submissions
      SELECT * REPLACE (generateUUIDv4() AS submission_id, 'nothing' AS resource_key)
      FROM commerce_submissions FINAL WHERE disposition = 'send' ORDER BY submission_id LIMIT 1`,
    restore: `ALTER TABLE commerce_submissions DELETE WHERE resource_key = 'nothing'
      SETTINGS mutations_sync = 1`,
    found: [/^is submitted, and the log has nothing of it that is billed$/],
  },
  {
    what: 'a held submission that was made one to be sent',
    change: `INSERT INTO commerce_submissions SELECT * REPLACE ('send' AS disposition)
      FROM commerce_submissions AS t FINAL WHERE t.disposition = 'held' ORDER BY submission_id LIMIT 1`,
    restore: `INSERT INTO commerce_submissions SELECT * REPLACE ('held' AS disposition)
      FROM commerce_submissions AS t FINAL
      WHERE t.disposition = 'send' AND dimension_key IN
        (SELECT dimension_key FROM commerce_submissions FINAL WHERE disposition = 'held')`,
    found: [/^disposition is send, recounted held$/],
  },
  {
    what: 'an hour that is composed no more, though later ones are',
    change: `ALTER TABLE compositions DELETE WHERE partition = 0 AND reported_hour = toDateTime(${String(FIRST / 1000)}, 'UTC')
      SETTINGS mutations_sync = 1`,
    restore: null,
    found: [/^is not composed, and later ones are$/],
  },
];

test.each(tamperings)(
  '$what is found, unless billing is left out',
  async ({ change, restore, found }) => {
    await command(change);
    const report = await recount();
    expect(report.first.map(({ kind, problem }) => ({ kind, problem }))).toEqual(
      found.map((problem) => ({
        kind: 'billing',
        problem: expect.stringMatching(problem) as string,
      })),
    );
    expect(await recount(false)).toMatchObject({ differences: 0 });
    if (restore !== null) await command(restore);
  },
  60_000,
);
