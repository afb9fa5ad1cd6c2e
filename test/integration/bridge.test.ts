import { queryRows } from '../../services/shared/clickhouse/client.ts';
import {
  abandonHistory,
  beginHistory,
  writeHistory,
} from '../../services/operations/history-runs/history-run.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/model/time.ts';
import { restoring } from '../support/audit/damage.ts';
import { foundIn, recountAll } from '../support/audit/recount-all.ts';
import { pastOf } from '../support/bridge/billable-events.ts';
import {
  allComposed,
  openBillingStack,
  until,
  type BillingStack,
} from '../support/bridge/billing-stack.ts';
import { openHour, openLive, reportUsage, SHORT_HOUR } from '../support/bridge/live-source.ts';
import { failToStart } from '../support/bridge/service-process.ts';

let stack: BillingStack;
beforeEach(async () => {
  stack = await openBillingStack();
});
afterEach(() => stack.close());

const FIRST = Date.UTC(2025, 0, 1) as Hour;
const SHORT = { USAGE_HOUR_MILLIS: String(SHORT_HOUR) };

const beginPast = async (
  hours: number,
  { billable = true, firstHour = FIRST } = {},
): Promise<RegisteredSource> => {
  const begun = await beginHistory(
    stack.tools,
    {
      origin: `test-${String(firstHour)}`,
      firstHour,
      lastHour: (firstHour + (hours - 1) * HOUR_MILLIS) as Hour,
      hourMillis: HOUR_MILLIS,
      partitions: 2,
      billable,
    },
    stack.config.USAGE_TOPIC_PREFIX,
  );
  return begun.source;
};

const writePast = async (hours: number, resources: number, options = {}): Promise<void> => {
  const source = await beginPast(hours, options);
  await writeHistory(stack.tools, source, pastOf(source.firstHour, hours, resources));
};

const composed = (count: number) =>
  until(
    () => stack.counts(),
    ({ compositions, pending }) => compositions === count && pending === 0,
  );

const askForFault = async (url: string, fault: object): Promise<void> => {
  const answer = await fetch(`${url}/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fault),
  });
  expect(answer.ok).toBe(true);
};

/** Waits until all live usage reported so far is closed, composed and settled. */
const allBilled = async (source: RegisteredSource): Promise<void> => {
  const now = Date.now();
  await until(
    () => openHour(stack, source),
    (closed) => closed > now,
  );
  await allComposed(stack);
};

test('what Commerce accepted is the billable part of what ClickHouse holds, exactly', async () => {
  await stack.startCommerce();
  await Promise.all([stack.startAggregator(), stack.startBridge(), writePast(5, 10)]);
  const counts = await composed(10);
  const reconciled = await stack.reconcile();
  expect(reconciled.differences).toEqual([]);
  // 10 resources use 5 billable meters and an unknown one in each of 5 hours; some quantities are zero
  expect(reconciled.compared).toBe(300);
  expect(counts).toMatchObject({
    aggregates: 300,
    submissions: 300,
    held: 50,
    duplicate: 0,
    mismatch: 0,
    carried: 0,
    deadLettered: 0,
  });
  expect(counts.accepted + counts.zero).toBe(250);
  expect(counts.zero).toBeGreaterThan(0);
});

test('without a registration everything is collected and nothing is sent; registered, later hours are', async () => {
  await stack.startCommerce(SHORT);
  const source = await openLive(stack);
  await stack.startAggregator(SHORT);
  const first = await stack.startBridge({ ...SHORT, COMMERCE_REGISTRATION_FILE: '' });
  await reportUsage(stack, source, 4, 1);
  await allBilled(source);
  const before = await stack.counts();
  expect(before).toMatchObject({ submissions: 24, accepted: 0, held: 0, pending: 0 });
  expect(before.notReported + before.zero).toBe(24);
  expect(await first.end('SIGTERM')).toBe(0);

  await stack.startBridge(SHORT);
  const [terms] = await queryRows<{ from: number }>(
    stack.clickHouse,
    "SELECT toUnixTimestamp(effective_from) AS from FROM billing_terms WHERE reporting = 'on'",
  );
  while (Date.now() < (terms?.from ?? 0) * 1000) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await reportUsage(stack, source, 4, 2);
  await allBilled(source);
  const after = await stack.counts();
  expect(after.notReported).toBe(before.notReported);
  expect(after.accepted).toBeGreaterThan(0);
  expect((await stack.reconcile()).differences).toEqual([]);
});

test('usage that Commerce takes no more goes into the next hour, once, also with two bridges', async () => {
  await stack.startCommerce({ ...SHORT, COMMERCE_FAULTS: 'on' });
  const source = await openLive(stack);
  await stack.startAggregator(SHORT);
  // Both bridges have their partitions before the refusals: a bridge that takes one over sends again what the other
  // waits to look up, and Commerce, which refuses so many and no more, would accept it.
  await Promise.all([stack.startBridge(SHORT), stack.startBridge(SHORT)]);
  await reportUsage(stack, source, 4, 1);
  await allBilled(source);
  // What is carried first is refused as well, and carried once more.
  await askForFault(stack.commerceUrl, { kind: 'refuse', status: 'Expired', count: 4 });
  await reportUsage(stack, source, 2, 2);
  await until(
    () => stack.counts(),
    ({ carried, pending }) => carried > 0 && pending === 0,
  );
  await reportUsage(stack, source, 2, 3);
  await allBilled(source);
  // Everything billable arrives in the end: nothing is lost on the way into another hour.
  const onTheWay = async (): Promise<number> => {
    const [row] = await queryRows<{ n: string }>(
      stack.clickHouse,
      `SELECT toString(count()) AS n FROM commerce_usage WHERE outcome = 'pending' OR (outcome = 'carried' AND
         submission_id NOT IN (SELECT arrayJoin(carries) FROM commerce_usage))`,
    );
    return Number(row?.n);
  };
  await until(onTheWay, (count) => count === 0);
  const { differences, dimensions } = await stack.reconcile();
  expect(differences).toEqual([]);
  const counts = await stack.counts();
  expect(counts).toMatchObject({ mismatch: 0, deadLettered: 0 });
  for (const { dimensionKey, windows, accepted } of dimensions) {
    if (!dimensionKey.startsWith('00000000'))
      expect([dimensionKey, accepted]).toEqual([dimensionKey, windows]);
  }

  // The audit follows the carries too, and sees where one is lost, doubled or should not be.
  const report = await recountAll(stack, stack.tools);
  expect(foundIn(report)).toEqual([]);
  const [ids] = await queryRows<{ carried: string; accepted: string }>(
    stack.clickHouse,
    `SELECT toString(argMinIf(submission_id, at, outcome = 'carried')) AS carried,
       toString(argMinIf(submission_id, at, outcome = 'accepted' AND submission_id NOT IN
         (SELECT arrayJoin(carries) FROM commerce_submissions))) AS accepted
     FROM commerce_outcomes FINAL`,
  );
  const tables = ['commerce_submissions', 'commerce_outcomes'];
  const damaged = (change: string): Promise<readonly string[]> =>
    restoring(stack.clickHouse, tables, async () => {
      await stack.clickHouse.command({
        query: change,
        clickhouse_settings: { mutations_sync: '1' },
      });
      return foundIn(await recountAll(stack, stack.tools));
    });
  const { carried = '', accepted = '' } = ids ?? {};
  expect(
    await damaged(
      `ALTER TABLE commerce_outcomes UPDATE outcome = 'accepted' WHERE submission_id = '${carried}'`,
    ),
  ).toContain('billing: is carried into a later submission, and its outcome is accepted');
  expect(
    await damaged(
      `ALTER TABLE commerce_outcomes UPDATE outcome = 'carried', accepted_quantity = NULL, at = at - INTERVAL 1 HOUR
       WHERE submission_id = '${accepted}'`,
    ),
  ).toEqual(['billing: was carried, and is inside no submission']);
  const doubled = await damaged(
    `ALTER TABLE commerce_submissions UPDATE carries = arrayPushBack(carries, toUUID('${carried}'))
     WHERE submission_id = '${accepted}'`,
  );
  expect(doubled).toContain('billing: is carried into 2 submissions');
  expect(doubled).toContainEqual(expect.stringMatching(/^billing: (?:.*; )?quantity is /));
});

test('history that Commerce takes no more is dead-lettered, with the reason', async () => {
  await stack.startCommerce({ COMMERCE_MAX_AGE_HOURS: '24' });
  await Promise.all([stack.startAggregator(), stack.startBridge(), writePast(2, 4)]);
  const counts = await composed(4);
  expect(counts).toMatchObject({ accepted: 0, carried: 0 });
  expect(counts.deadLettered + counts.zero + counts.held).toBe(counts.submissions);
  const rows = await queryRows(
    stack.clickHouse,
    "SELECT DISTINCT code, message FROM commerce_usage WHERE outcome = 'dead-lettered'",
  );
  expect(rows).toEqual([
    { code: 'Expired', message: expect.stringContaining('History is not carried') as string },
  ]);
  const { differences } = await stack.reconcile();
  expect(differences).toHaveLength(counts.deadLettered);
  expect(new Set(differences.map(({ kind }) => kind))).toEqual(new Set(['refused']));
});

test('history is billed only if its source says so, and never of a run that was abandoned', async () => {
  await stack.startCommerce();
  await Promise.all([stack.startAggregator(), stack.startBridge()]);
  const abandoned = await beginPast(3);
  // So many events that hours are published before the writer is interrupted; nothing seals the run.
  const records = pastOf(FIRST, 3, 60);
  await expect(
    writeHistory(
      stack.tools,
      abandoned,
      (function* () {
        yield* records;
        throw new Error('interrupted');
      })(),
    ),
  ).rejects.toThrow('interrupted');
  await until(
    () => openHour(stack, abandoned),
    (closed) => closed > FIRST,
  );
  await abandonHistory(stack.tools, abandoned.topic);
  await writePast(3, 4, { firstHour: (FIRST + 24 * HOUR_MILLIS) as Hour, billable: false });
  await writePast(3, 4);
  const counts = await composed(12);
  expect(counts.aggregates).toBe(3 * 4 * 6);
  const { differences } = await stack.reconcile();
  expect(differences).toEqual([]);
});

test('Commerce is down at first: the bridge says so, and sends everything when it is back', async () => {
  await Promise.all([stack.startAggregator(), writePast(2, 4)]);
  const first = await stack.startCommerce();
  await first.end('SIGKILL');
  const bridge = await stack.startBridge();
  interface Ready {
    readonly pending: number;
    readonly lastError: string | null;
  }
  const ready = async (): Promise<Ready> =>
    (await (await fetch(`${bridge.health}/health/ready`)).json()) as Ready;
  const health = await until(ready, ({ lastError, pending }) => lastError !== null && pending > 0);
  expect(health.lastError).toMatch(/Commerce at http.* does not answer/);
  await stack.startCommerce();
  await composed(4);
  expect((await stack.reconcile()).differences).toEqual([]);
  expect(await until(ready, ({ pending }) => pending === 0)).toMatchObject({ lastError: null });
});

test('a stop ends in good order, and the group is told what is done with', async () => {
  await stack.startCommerce();
  await Promise.all([stack.startAggregator(), writePast(3, 4)]);
  const bridge = await stack.startBridge();
  await composed(6);
  const { admin } = stack;
  const topic = `${stack.config.USAGE_TOPIC_PREFIX}.aggregates.hourly`;
  await until(
    async () => {
      const [committed] = await admin.fetchOffsets({
        groupId: `${stack.config.USAGE_TOPIC_PREFIX}-bridge`,
        topics: [topic],
      });
      const ends = await admin.fetchTopicOffsets(topic);
      return ends.every(
        ({ partition, high }) =>
          high === '0' ||
          committed?.partitions.find((each) => each.partition === partition)?.offset === high,
      );
    },
    (done) => done,
  );
  expect(await bridge.end('SIGTERM')).toBe(0);
});

test('another log under the same name halts the bridge', async () => {
  await stack.startCommerce();
  const aggregator = await stack.startAggregator();
  await writePast(3, 4);
  const first = await stack.startBridge();
  await composed(6);
  await first.end('SIGTERM');
  await aggregator.end('SIGKILL');
  const { admin } = stack;
  const topic = `${stack.config.USAGE_TOPIC_PREFIX}.aggregates.hourly`;
  const full = (await admin.fetchTopicOffsets(topic)).find(({ high }) => high !== '0');
  await stack.clickHouse.command({
    query: `INSERT INTO bridge_checkpoints (topic, partition, next_offset, resume_offset, last_record, digest)
      SELECT topic, partition, next_offset + 1, resume_offset, last_record, reverse(digest)
      FROM bridge_checkpoints FINAL WHERE partition = ${String(full?.partition ?? 0)}`,
  });
  await stack.tools.writer.append({ topic, partition: full?.partition ?? 0 }, [
    { key: 'x', value: Buffer.from('x') },
  ]);
  const bridge = await stack.startBridge();
  const halted = await until(
    async () => (await fetch(`${bridge.health}/health/ready`)).text(),
    (text) => text.includes('another-log'),
  );
  expect(halted).toMatch(/not the one that was counted/);
});

describe('it does not start, and says why', () => {
  const said = async (settings: Readonly<Record<string, string>>): Promise<string> => {
    const { how, said: text } = await failToStart('bridge', { ...stack.environment, ...settings });
    expect(how).toBe(1);
    expect(text.split('\n')).toHaveLength(2); // one line
    return text;
  };

  test('where the registration file is malformed', async () => {
    const path = await stack.writeFile('{"billingModel":"Free","planId":1}');
    expect(await said({ COMMERCE_REGISTRATION_FILE: path })).toMatch(
      /^bridge: The registration file .* cannot be used: cloudId: .*billingModel: .*planId: /,
    );
  });

  test('where a setting cannot be used', async () => {
    expect(await said({ COMMERCE_URL: 'commerce', BRIDGE_RETRY_MILLIS: '1' })).toMatch(
      /^bridge: The settings cannot be used. COMMERCE_URL: .*BRIDGE_RETRY_MILLIS: /,
    );
  });
});
