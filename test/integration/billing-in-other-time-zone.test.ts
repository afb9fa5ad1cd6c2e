import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { beginHistory, writeHistory } from '../../services/operations/history-runs/history-run.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/model/time.ts';
import { pastOf } from '../support/bridge/billable-events.ts';
import { openBillingStack, until, type BillingStack } from '../support/bridge/billing-stack.ts';

/** Its clocks move by half an hour, at about 15:00 UTC on these days: other-time-zone.test.ts. */
const ZONE = 'Australia/Lord_Howe';
const NIGHTS = ['2024-04-06', '2024-10-05'];
const FIRST = 12;
const HOURS = 8;
const PARTITIONS = 2;

const writeNight = async (stack: BillingStack, night: string): Promise<void> => {
  const firstHour = (timeOf(`${night}T00:00:00Z`) + FIRST * HOUR_MILLIS) as Hour;
  const { source } = await beginHistory(
    stack.tools,
    {
      origin: `night ${night}`,
      firstHour,
      lastHour: (firstHour + (HOURS - 1) * HOUR_MILLIS) as Hour,
      hourMillis: HOUR_MILLIS,
      partitions: PARTITIONS,
      billable: true,
    },
    stack.config.USAGE_TOPIC_PREFIX,
  );
  await writeHistory(stack.tools, source, pastOf(firstHour, HOURS, 2));
};

/** Each stack has topics of its own, and the ids of submissions and the digests of hours follow from them. */
const STORED = [
  `SELECT partition, reported_hour, aggregates, submitted, submissions, to_send, length(carries), terms
   FROM compositions FINAL ORDER BY reported_hour, partition`,
  `SELECT partition, reported_hour, resource_uri, resource_key, dimension, quantity, decision, plan_id, length(aggregates), length(carries)
   FROM commerce_submissions FINAL ORDER BY reported_hour, partition, resource_key, dimension`,
  `SELECT o.reported_hour, s.resource_key, s.dimension, o.outcome, o.accepted_quantity, o.code, o.message
   FROM commerce_outcomes AS o FINAL INNER JOIN (SELECT * FROM commerce_submissions FINAL) AS s USING (submission_id)
   ORDER BY reported_hour, resource_key, dimension`,
  'SELECT effective_from, reporting, plan_id FROM billing_terms ORDER BY effective_from',
];

const storedIn = async ({ clickHouse }: BillingStack): Promise<readonly (readonly object[])[]> =>
  Promise.all(STORED.map((query) => queryRows<object>(clickHouse, query)));

/** The event that Commerce took from the bridge, as it was sent, told to who sends it again. */
const standing = async (url: string, row: Readonly<Record<string, unknown>>): Promise<unknown> => {
  const answer = await fetch(`${url}/api/usageEvent?api-version=2018-08-31`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      resourceUri: row['usageResourceId'],
      quantity: 1,
      dimension: row['dimension'],
      effectiveStartTime: row['usageDate'],
      planId: row['planId'],
    }),
  });
  const text = await answer.text();
  expect([answer.status, text]).toEqual([409, expect.any(String)]);
  const { additionalInfo } = JSON.parse(text) as {
    additionalInfo: { acceptedMessage: Readonly<Record<string, unknown>> };
  };
  const { usageEventId, messageTime, ...sent } = additionalInfo.acceptedMessage;
  expect([usageEventId, messageTime]).toEqual([expect.any(String), expect.any(String)]);
  return sent;
};

/** What Commerce answers to those who ask for days and hours, and its pages. */
const heldBy = async (url: string): Promise<readonly string[]> => {
  const texts: string[] = [];
  const read = async (path: string): Promise<string> => {
    const answer = await fetch(url + path);
    expect([path, answer.status]).toEqual([path, 200]);
    const text = await answer.text();
    texts.push(text);
    return text;
  };
  for (const night of NIGHTS) {
    const api = '/api/usageEvents?api-version=2018-08-31';
    const day = await read(`${api}&usageStartDate=${night}&UsageEndDate=${night}`);
    await read(`${api}&usageStartDate=${night}T14:30:00&UsageEndDate=${night}T15:30:00`);
    const rows = JSON.parse(day) as readonly Readonly<Record<string, unknown>>[];
    expect(rows.length).toBeGreaterThan(HOURS);
    for (const row of rows) texts.push(JSON.stringify(await standing(url, row)));
  }
  for (const night of NIGHTS) {
    for (const path of ['/portal', '/portal/bill.json']) {
      await read(`${path}?month=${night.slice(0, 7)}`);
    }
  }
  for (let page: string | undefined = '/portal/usage'; page !== undefined;) {
    const text: string = await read(page);
    page = /<a href="([^"]*)" rel="next"/.exec(text)?.[1]?.replaceAll('&amp;', '&');
  }
  return texts;
};

const billedIn = async (zone: string) => {
  const stack = await openBillingStack();
  try {
    const TZ = { TZ: zone };
    const { url } = await stack.startCommerce(TZ);
    await Promise.all([stack.startAggregator(TZ), stack.startBridge(TZ)]);
    for (const night of NIGHTS) await writeNight(stack, night);
    const all = NIGHTS.length * HOURS * PARTITIONS;
    await until(
      () => stack.counts(),
      ({ compositions, pending }) => compositions === all && pending === 0,
    );
    return { stored: await storedIn(stack), held: await heldBy(url) };
  } finally {
    await stack.close();
  }
};

test('a bridge and a Commerce in a zone that moves its clocks by half an hour bill the bytes of UTC', async () => {
  const inUtc = await billedIn('UTC');
  expect(await billedIn(ZONE)).toEqual(inUtc);
  for (const rows of inUtc.stored) expect(rows.length).toBeGreaterThan(0);
  expect(inUtc.held.at(-1)).toContain('2024-04-06 12:00');
});
