import { audit, type AuditReport } from '../../services/cli/audit/audit.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { beginHistory, writeHistory } from '../../services/shared/sources/history-run.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { HOUR_MILLIS, millis, type Hour } from '../../services/shared/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';
import { generateWorkload } from '../support/workload/generate-workload.ts';

const SHORT_HOUR = 2_000;
const HISTORY_FROM = Date.parse('2019-12-10T20:00:00Z') as Hour;
const HISTORY_HOURS = 30;

let pipeline: Pipeline;
let live: readonly RegisteredSource[];

const produce = async (
  seed: number,
  events: number,
  topics: readonly RegisteredSource[],
  from = Date.now(),
  to = from,
): Promise<void> => {
  await pipeline.produce(
    generateWorkload({
      seed,
      events,
      tenants: 6,
      resourcesPerTenant: 8,
      topics,
      reportedFrom: millis(from),
      reportedTo: millis(to),
    }),
  );
};

const recount = (topic: string | null = null): Promise<AuditReport> =>
  audit(
    {
      clickHouse: pipeline.stack.clickHouse,
      kafka: pipeline.stack.kafka,
      admin: pipeline.tools.admin,
      keyring: pipeline.stack.keyring,
    },
    {
      topic,
      limit: 100,
      billing: true,
      maxIdBytes: 512 * 1024, // so that most ids have to wait in files
      onProgress: () => undefined,
    },
  );

beforeAll(async () => {
  pipeline = await Pipeline.open(SHORT_HOUR);
  live = await pipeline.sources();
  const begun = await beginHistory(
    pipeline.tools,
    {
      origin: 'audit-test',
      firstHour: HISTORY_FROM,
      lastHour: (HISTORY_FROM + (HISTORY_HOURS - 1) * HOUR_MILLIS) as Hour,
      hourMillis: HOUR_MILLIS,
      partitions: 2,
      billable: false,
    },
    pipeline.stack.config.USAGE_TOPIC_PREFIX,
  );
  await produce(
    1,
    5_000,
    [begun.source],
    HISTORY_FROM,
    HISTORY_FROM + HISTORY_HOURS * HOUR_MILLIS - 1,
  );
  await writeHistory(pipeline.tools, begun.source, []);
  const aggregator = await pipeline.startAggregator();
  for (let seed = 2; seed < 5; seed++) await produce(seed, 2_000, live);
  await waitFor('hours have closed on every partition', async () => {
    const [row] = await queryRows<{ closed: number }>(
      pipeline.stack.clickHouse,
      `SELECT min(c.closed_through > s.first_hour + 1) AS closed
       FROM checkpoints AS c FINAL INNER JOIN sources AS s FINAL USING (topic)`,
    );
    return row?.closed === 1;
  });
  await produce(5, 2_000, live); // in a later hour than most, however quick the machine is
  expect((await recount()).first).toEqual([]); // while it runs, with rows ahead of its checkpoints
  await pipeline.settled();
  await aggregator.stop();
}, 120_000);

afterAll(async () => {
  await pipeline.close();
});

test('two recounts that share no code agree with each other and with what is stored', async () => {
  expect(await pipeline.differences()).toEqual([]);
  const report = await recount();
  expect(report).toMatchObject({ differences: 0, first: [] });
  expect(report.partitions.map(({ state }) => state)).toEqual(Array(5).fill('whole'));
  const stored = await queryRows<Record<string, string>>(
    pipeline.stack.clickHouse,
    `SELECT topic, toString(partition) AS partition, toString(accepted) AS accepted,
       toString(duplicate) AS duplicate, toString(dead_lettered) AS refused, toString(control) AS control
     FROM checkpoints FINAL ORDER BY topic, partition`,
  );
  const counted = report.partitions.map((each) => ({
    topic: each.topic,
    partition: String(each.partition),
    accepted: String(each.accepted),
    duplicate: String(each.duplicate),
    refused: String(each.deadLettered),
    control: String(each.control),
  }));
  const byName = (a: object, b: object): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  expect([...counted].sort(byName)).toEqual([...stored].sort(byName));
  for (const each of report.partitions) {
    expect(each.accepted).toBeGreaterThan(0);
    expect(each.duplicate).toBeGreaterThan(0);
    expect(each.deadLettered).toBeGreaterThan(0);
    expect(each.daily).toBeGreaterThan(0);
    expect(each.ledger).toBe(each.accepted);
  }
}, 60_000);

test('one topic alone can be audited; one that no source has is refused', async () => {
  const { topic } = live[0] ?? {};
  const alone = await usagectl(['audit', '--source', topic ?? '', '--json'], pipeline.environment);
  expect(alone.code).toBe(0);
  const report = JSON.parse(alone.stdout) as AuditReport;
  expect(new Set(report.partitions.map((each) => each.topic))).toEqual(new Set([topic]));
  const refused = await usagectl(['audit', '--source', 'nowhere'], pipeline.environment);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('There is no source "nowhere"');
}, 30_000);

test('without the key that signed the rules it says which one is missing', async () => {
  const answer = await usagectl(['audit'], {
    ...pipeline.environment,
    USAGE_CONTROL_KEYS: `other:${'ab'.repeat(32)}`,
  });
  expect(answer.code).toBe(1);
  expect(answer.stderr).toMatch(
    /are not signed by a key that is known here: give USAGE_CONTROL_KEYS/,
  );
}, 30_000);

/** Names of a table's columns that can be inserted. */
const columnsOf = async (table: string): Promise<readonly string[]> => {
  const rows = await queryRows<{ name: string }>(
    pipeline.stack.clickHouse,
    `SELECT name FROM system.columns WHERE database = {database:String} AND table = {table:String}
       AND default_kind NOT IN ('EPHEMERAL', 'ALIAS', 'MATERIALIZED') ORDER BY position`,
    { database: pipeline.stack.config.CLICKHOUSE_DATABASE, table },
  );
  return rows.map(({ name }) => name);
};

const command = async (query: string): Promise<void> => {
  await pipeline.stack.clickHouse.command({ query });
};

/** Inserts a row of a table again, with some of its columns changed. */
const insertChanged = async (
  table: string,
  changes: Readonly<Record<string, string>>,
  where = '1',
): Promise<void> => {
  const columns = await columnsOf(table);
  const changed = columns.map((column) => changes[column] ?? `t.${column}`);
  await command(
    `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${changed.join(', ')}
     FROM ${table} AS t FINAL WHERE ${where} ORDER BY ${columns.join(', ')} LIMIT 1`,
  );
};

/** Tampers with a table, audits, and puts the table back as it was. */
const tampered = async (table: string, tamper: () => Promise<void>): Promise<AuditReport> => {
  const columns = (await columnsOf(table)).join(', ');
  await command(
    `CREATE TABLE kept ENGINE = MergeTree ORDER BY tuple() AS SELECT ${columns} FROM ${table} FINAL`,
  );
  try {
    await tamper();
    return await recount();
  } finally {
    await command(`TRUNCATE TABLE ${table}`);
    await command(`INSERT INTO ${table} (${columns}) SELECT ${columns} FROM kept`);
    await command('DROP TABLE kept');
  }
};

interface Tampering {
  readonly what: string;
  readonly table: string;
  readonly tamper: () => Promise<void>;
  /** All that must be found, in this order. */
  readonly found: readonly { readonly kind: string; readonly problem: RegExp }[];
}

const tamperings: readonly Tampering[] = [
  {
    what: 'the quantity of an hourly window',
    table: 'usage_hourly',
    tamper: () =>
      insertChanged('usage_hourly', {
        quantity: "t.quantity + toDecimal256('0.000000000000000000000000000001', 30)",
        version: 't.version + 1',
      }),
    found: [{ kind: 'hourly', problem: /^quantity is ".*", recounted ".*"$/ }],
  },
  {
    what: 'an attribute of an hourly window',
    table: 'usage_hourly',
    tamper: () => insertChanged('usage_hourly', { tags: "'{}'", version: 't.version + 1' }),
    found: [{ kind: 'hourly', problem: /^tags is "\{\}", recounted / }],
  },
  {
    what: 'an hourly window that the log does not have',
    table: 'usage_hourly',
    tamper: () => insertChanged('usage_hourly', { meter_key: "'nothing'", event_count: '0' }),
    found: [{ kind: 'hourly', problem: /the log has no such window/ }],
  },
  {
    what: 'an hourly window before the first hour of its source',
    table: 'usage_hourly',
    tamper: () =>
      insertChanged('usage_hourly', {
        reported_hour: "toDateTime('2001-01-01 00:00:00', 'UTC')",
        event_count: '0',
      }),
    found: [{ kind: 'hourly', problem: /the log has no such window/ }],
  },
  {
    what: 'the quantity of a daily window',
    table: 'usage_daily',
    tamper: () =>
      insertChanged('usage_daily', { quantity: 't.quantity * 2 + 1', version: 't.version + 1' }),
    found: [{ kind: 'daily', problem: /^quantity is ".*", recounted ".*"$/ }],
  },
  {
    what: 'a daily window that is gone',
    table: 'usage_daily',
    tamper: () =>
      command(
        `ALTER TABLE usage_daily DELETE WHERE (topic, partition, subscription_key, meter_key, resource_key) IN
         (SELECT topic, partition, subscription_key, meter_key, resource_key FROM usage_daily
          ORDER BY reported_day, topic, partition, usage_day, subscription_key, meter_key, resource_key LIMIT 1)
         AND (reported_day, usage_day) IN (SELECT reported_day, usage_day FROM usage_daily
          ORDER BY reported_day, topic, partition, usage_day, subscription_key, meter_key, resource_key LIMIT 1)
         SETTINGS mutations_sync = 1`,
      ),
    found: [{ kind: 'daily', problem: /^is not stored, recounted \d+ events with / }],
  },
  {
    what: 'an event that is gone from the ledger',
    table: 'usage_events',
    tamper: () =>
      command(
        `ALTER TABLE usage_events DELETE WHERE (topic, partition, offset) IN
         (SELECT topic, partition, offset FROM usage_events ORDER BY topic, partition, offset LIMIT 1)
         SETTINGS mutations_sync = 1`,
      ),
    found: [
      { kind: 'conservation', problem: /^\d+ events are accepted, and \d+ stand in the ledger$/ },
      { kind: 'ledger', problem: /^is not stored$/ },
    ],
  },
  {
    what: 'an event too many in the ledger',
    table: 'usage_events',
    tamper: () => insertChanged('usage_events', { offset: '0', event_id: 'generateUUIDv4()' }),
    found: [
      { kind: 'conservation', problem: /^\d+ events are accepted, and \d+ stand in the ledger$/ },
      { kind: 'ledger', problem: /the log has no such record there/ },
    ],
  },
  {
    what: 'the time at which an event was reported',
    table: 'usage_events',
    tamper: () =>
      insertChanged('usage_events', { reported_time: 't.reported_time + INTERVAL 1 MILLISECOND' }),
    found: [{ kind: 'ledger', problem: /^reported_time is \d+, recounted \d+$/ }],
  },
  {
    what: 'the code of a dead letter',
    table: 'dead_letters',
    tamper: () =>
      insertChanged('dead_letters', { code: "'forged-control'" }, "code != 'forged-control'"),
    found: [{ kind: 'dead-letter', problem: /^code is "forged-control", recounted "/ }],
  },
  {
    what: 'the bytes of a dead letter',
    table: 'dead_letters',
    tamper: () => insertChanged('dead_letters', { record_value: "'other'" }),
    found: [{ kind: 'dead-letter', problem: /^record_value is / }],
  },
  {
    what: 'a dead letter for a record that was accepted',
    table: 'dead_letters',
    tamper: () =>
      insertChanged(
        'dead_letters',
        {
          offset: `(SELECT min(offset) FROM usage_events WHERE topic = '${live[0]?.topic ?? ''}' AND partition = 0)`,
        },
        `topic = '${live[0]?.topic ?? ''}' AND partition = 0`,
      ),
    found: [
      { kind: 'conservation', problem: /^\d+ records are refused, and \d+ are dead letters$/ },
      { kind: 'dead-letter', problem: /the log has no such record there/ },
    ],
  },
  {
    what: 'the counts of a checkpoint',
    table: 'checkpoints',
    tamper: async () => {
      await command(
        `ALTER TABLE checkpoints UPDATE accepted = accepted - 1, duplicate = duplicate + 1
         WHERE (topic, partition) IN (SELECT topic, partition FROM checkpoints ORDER BY topic, partition LIMIT 1)
         SETTINGS mutations_sync = 1`,
      );
    },
    found: [
      { kind: 'conservation', problem: /stand in the ledger$/ },
      { kind: 'conservation', problem: /the windows hold \d+$/ },
      {
        kind: 'checkpoint',
        problem: /^accepted is \d+, recounted \d+; duplicate is \d+, recounted \d+$/,
      },
    ],
  },
  {
    what: 'rows of a partition that no source has',
    table: 'usage_daily',
    tamper: () => insertChanged('usage_daily', { partition: '7' }),
    found: [{ kind: 'register', problem: /no source has/ }],
  },
];

test.each(tamperings)(
  '$what is found and named',
  async ({ table, tamper, found }) => {
    const report = await tampered(table, tamper);
    expect(report.first.map(({ kind, problem }) => ({ kind, problem }))).toEqual(
      found.map(({ kind, problem }) => ({
        kind,
        problem: expect.stringMatching(problem) as string,
      })),
    );
    expect(report.differences).toBe(found.length);
  },
  60_000,
);

test('the command names the differing row with its offset, and exits with 1', async () => {
  await insertChanged('usage_hourly', { quantity: 't.quantity + 1', version: 't.version + 1' });
  const found = await usagectl(['audit', '--no-billing'], pipeline.environment);
  expect(found.code).toBe(1);
  expect(found.stdout).toMatch(/^hourly {2}\S+\[\d\] {2}offset \d+$/m);
  expect(found.stdout).toMatch(/^ {2}quantity is ".*", recounted ".*"$/m);
  expect(found.stdout).toMatch(/\n1 difference\.\n$/);
  const limited = await usagectl(['audit', '--limit', '0'], pipeline.environment);
  expect(limited).toMatchObject({ code: 1 });
  expect(limited.stdout).not.toMatch(/recounted "/);
  await insertChanged('usage_hourly', { quantity: 't.quantity - 1', version: 't.version + 1' });
  expect(await usagectl(['audit'], pipeline.environment)).toMatchObject({ code: 0, stderr: '' });
}, 60_000);

test('what was reported before the first record that is left is not recountable, and the rest is compared', async () => {
  const report = await recount();
  const storage = report.partitions.find(({ topic }) => topic.endsWith('.storage'));
  if (!storage) throw new Error('there is no storage source');
  const { topic } = storage;
  await pipeline.tools.admin.deleteTopicRecords({
    topic,
    partitions: [{ partition: 0, offset: String(Math.floor(storage.end / 2)) }],
  });
  const late = await recount(topic);
  expect(late.first).toEqual([]);
  const [partition] = late.partitions;
  expect(partition).toMatchObject({ state: 'partly', from: Math.floor(storage.end / 2) });
  expect(partition?.records).toBe(storage.end - Math.floor(storage.end / 2));
  expect(partition?.notRecountable.hourly).toBeGreaterThan(0);
  expect(partition?.hourly).toBeGreaterThan(0);
  expect((partition?.hourly ?? 0) + (partition?.notRecountable.hourly ?? 0)).toBe(storage.hourly);

  // What is left is still compared, duplicates of what has expired included.
  const changed = await tampered('usage_hourly', () =>
    command(
      `INSERT INTO usage_hourly SELECT * REPLACE (quantity + 1 AS quantity, version + 1 AS version)
       FROM usage_hourly FINAL WHERE topic = '${topic}' ORDER BY reported_hour DESC, last_offset LIMIT 1`,
    ),
  );
  expect(changed.first.map(({ kind }) => kind)).toEqual(['hourly']);
  const text = await usagectl(['audit', '--source', topic], pipeline.environment);
  expect(text.stdout).toMatch(
    /^Not recountable: \d+ hourly and \d+ daily rows of \S+: its first records have expired/m,
  );

  await pipeline.tools.admin.deleteTopicRecords({
    topic,
    partitions: [{ partition: 0, offset: '-1' }],
  });
  expect((await recount(topic)).partitions).toMatchObject([{ state: 'expired', records: 0 }]);
}, 60_000);
