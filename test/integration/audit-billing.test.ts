import type { AuditReport } from '../../services/operations/audit/audit-report.ts';
import { beginHistory, writeHistory } from '../../services/operations/history-runs/history-run.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/model/time.ts';
import { damageEveryColumn, notCompared, restoring, unnoticed } from '../support/audit/damage.ts';
import { recountAll } from '../support/audit/recount-all.ts';
import { pastOf } from '../support/bridge/billable-events.ts';
import { openBillingStack, until, type BillingStack } from '../support/bridge/billing-stack.ts';

const FIRST = Date.UTC(2025, 0, 1) as Hour;
const HOURS = 6;

let stack: BillingStack;

const recount = (billing = true): Promise<AuditReport> =>
  recountAll(stack, stack.tools, { limit: 1_000, billing });

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
});

afterAll(() => stack.close());

test('what the bridge composed is what the log comes to', async () => {
  const report = await recount();
  expect(report.first).toEqual([]);
  const billing = report.partitions.map((each) => each.billing);
  expect(billing.map(({ composed }) => composed)).toEqual([HOURS, HOURS]);
  expect(billing.map(({ waiting }) => waiting)).toEqual([0, 0]);
  const { submissions } = await stack.counts();
  expect(billing.reduce((sum, each) => sum + each.submissions, 0)).toBe(submissions);
});

test('usage that is in no submission, and is not recorded with its reason, is found', async () => {
  for (const change of [
    'ALTER TABLE unbilled_usage DELETE WHERE 1',
    'ALTER TABLE unbilled_usage UPDATE quantity = quantity + 1 WHERE 1',
    'ALTER TABLE unbilled_usage UPDATE aggregates = arrayPopBack(aggregates) WHERE 1',
  ]) {
    const report = await restoring(stack.clickHouse, ['unbilled_usage'], async () => {
      await stack.clickHouse.command({
        query: change,
        clickhouse_settings: { mutations_sync: '1' },
      });
      return recount();
    });
    expect([change, report.first.map(({ problem }) => problem)]).toEqual([
      change,
      expect.arrayContaining(['is not in unbilled_usage']),
    ]);
  }
});

test('whichever cell of a composition or a submission is changed, it is found', async () => {
  const tables = [
    { table: 'commerce_submissions', row: "concat(resource_key, ' ', dimension_key)" },
    { table: 'compositions', row: "formatDateTime(reported_hour, '%Y-%m-%dT%H:%i:%SZ')" },
  ];
  for (const { table, row } of tables) {
    const [damages, report] = await restoring(stack.clickHouse, [table], async () => {
      // Not the last hour: without its composition it would only wait for it.
      const where = `reported_hour < toDateTime(${String(FIRST / 1000 + (HOURS - 1) * 3600)}, 'UTC')`;
      const made = await damageEveryColumn(
        stack.clickHouse,
        table,
        { where, row },
        notCompared(table),
      );
      return [made, await recount()] as const;
    });
    expect(damages.length).toBeGreaterThan(9);
    expect([table, unnoticed(damages, report.first, 'billing')]).toEqual([table, []]);
  }
});

/** One row again, with some columns changed. */
const again = (table: string, changes: string, where: string): string =>
  `INSERT INTO ${table} SELECT * REPLACE (${changes}) FROM (SELECT * FROM ${table} FINAL
   WHERE ${where} ORDER BY ALL LIMIT 1)`;

const tamperings = [
  {
    what: 'a submission of what nobody used',
    query: again(
      'commerce_submissions',
      "generateUUIDv4() AS submission_id, 'nothing' AS resource_key",
      "decision = 'send'",
    ),
    found: /^is submitted, and the log has no billable usage for it$/,
  },
  {
    what: 'a held submission that was made one to be sent',
    query: again('commerce_submissions', "'send' AS decision", "decision = 'held'"),
    found: /^decision is "send", recounted "held"$/,
  },
  {
    // Of an hour that nothing else here touches: what is composed no more lacks no submission.
    what: 'a submission that is gone',
    query: `ALTER TABLE commerce_submissions DELETE WHERE submission_id IN
      (SELECT max(submission_id) FROM commerce_submissions WHERE decision = 'send' AND partition = 1
       AND reported_hour = toDateTime(${String(FIRST / 1000 + 4 * 3600)}, 'UTC'))`,
    found: /^is not submitted, recounted \S+$/,
  },
  {
    what: 'an hour that is composed no more, though later ones are',
    query: `ALTER TABLE compositions DELETE WHERE partition = 0 AND
      reported_hour = toDateTime(${String(FIRST / 1000 + 3600)}, 'UTC')`,
    found: /^is not composed, and later ones are$/,
  },
  {
    what: 'an hour that is composed and was never covered',
    query: again(
      'compositions',
      `reported_hour - INTERVAL 1 DAY AS reported_hour`,
      'partition = 1',
    ),
    found: /^is composed, and is no closed hour of the source$/,
  },
  {
    what: 'an outcome of another quantity',
    query: again(
      'commerce_outcomes',
      'accepted_quantity + 1 AS accepted_quantity, rank + 1 AS rank',
      "partition = 1 AND outcome = 'accepted'",
    ),
    found: /^quantity is \S+, accepted \S+$/,
  },
  {
    what: 'an outcome of no submission',
    query: again('commerce_outcomes', 'generateUUIDv4() AS submission_id', 'partition = 1'),
    found: /^outcome is accepted, and there is no submission$/,
  },
  {
    what: 'an outcome of a submission that was not to be sent',
    query: again(
      'commerce_outcomes',
      `(SELECT max(submission_id) FROM commerce_submissions WHERE decision = 'zero' AND partition = 1
        AND reported_hour = toDateTime(${String(FIRST / 1000 + 7200)}, 'UTC')) AS submission_id`,
      `partition = 1 AND reported_hour = toDateTime(${String(FIRST / 1000 + 7200)}, 'UTC')`,
    ),
    found: /^outcome is accepted, and it is not sent: zero$/,
  },
  {
    what: 'billing of a partition that no source has',
    query: again('commerce_outcomes', 'toUInt16(100) AS partition', 'partition = 1'),
    found: /^has rows of a partition that no source has$/,
  },
];

test('rows of billing that are missing, wrong or too many are all found, unless it is left out', async () => {
  const tables = ['compositions', 'commerce_submissions', 'commerce_outcomes'];
  const [report, without] = await restoring(stack.clickHouse, tables, async () => {
    for (const { query } of tamperings) {
      await stack.clickHouse.command({ query, clickhouse_settings: { mutations_sync: '1' } });
    }
    return [await recount(), await recount(false)];
  });
  const missed = tamperings.filter(
    ({ found }) => !report.first.some(({ problem }) => found.test(problem)),
  );
  expect(missed.map(({ what }) => what)).toEqual([]);
  expect(without.first).toEqual([]);
  expect((await recount()).first).toEqual([]);
});
