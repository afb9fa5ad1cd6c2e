import type { AuditReport } from '../../services/operations/audit/audit-report.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { beginHistory, writeHistory } from '../../services/operations/history-runs/history-run.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { HOUR_MILLIS, millis, type Hour } from '../../services/shared/model/time.ts';
import {
  columnsOf,
  damageEveryColumn,
  damageRow,
  notCompared,
  restoring,
  unnoticed,
  type Damage,
} from '../support/audit/damage.ts';
import { recountAll } from '../support/audit/recount-all.ts';
import { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';
import { generateWorkload } from '../support/workload/generate-workload.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';

const SHORT_HOUR = 2_000;
const HISTORY_FROM = timeOf('2019-12-10T20:00:00Z');
const HISTORY_HOURS = 8; // of two days

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

const recount = (topic: string | null = null, limit = 100): Promise<AuditReport> =>
  recountAll(pipeline.stack, pipeline.tools, { topic, limit });

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
    1_500,
    [begun.source],
    HISTORY_FROM,
    HISTORY_FROM + HISTORY_HOURS * HOUR_MILLIS - 1,
  );
  await writeHistory(pipeline.tools, begun.source, []);
  const aggregator = await pipeline.startAggregator();
  for (let seed = 2; seed < 5; seed++) await produce(seed, 800, live);
  await pipeline.settled();
  await waitFor('the hours of all that usage have closed', async () => {
    const [row] = await queryRows<{ closed: number }>(
      pipeline.stack.clickHouse,
      `SELECT min(c.open_hour) > (SELECT max(reported_hour) FROM usage_events) AS closed
       FROM checkpoints AS c FINAL INNER JOIN sources AS s FINAL USING (topic)
       WHERE s.kind = 'live'`,
    );
    return row?.closed === 1;
  });
  await produce(5, 800, live); // in a later hour, however quick the machine is
  expect((await recount()).first).toEqual([]); // while it runs, with rows ahead of its checkpoints
  await pipeline.settled();
  await aggregator.stop();
});

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
});

test('one topic alone can be audited; one that no source has is refused', async () => {
  const { topic } = live[0] ?? {};
  const alone = await usagectl(['audit', '--source', topic ?? '', '--json'], pipeline.environment);
  expect(alone.code).toBe(0);
  const report = JSON.parse(alone.stdout) as AuditReport;
  expect(new Set(report.partitions.map((each) => each.topic))).toEqual(new Set([topic]));
  const refused = await usagectl(['audit', '--source', 'nowhere'], pipeline.environment);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('There is no source "nowhere"');
});

test('without the key that signed the rules it says which one is missing', async () => {
  const answer = await usagectl(['audit'], {
    ...pipeline.environment,
    USAGE_CONTROL_KEYS: `other:${'ab'.repeat(32)}`,
  });
  expect(answer.code).toBe(1);
  expect(answer.stderr).toMatch(/are not signed by a known key: add to USAGE_CONTROL_KEYS/);
});

const command = async (query: string): Promise<void> => {
  await pipeline.stack.clickHouse.command({
    query,
    clickhouse_settings: { mutations_sync: '1' },
  });
};

const TABLES = [
  { table: 'usage_events', kind: 'ledger', row: 'offset' },
  { table: 'dead_letters', kind: 'dead-letter', row: 'offset' },
  { table: 'usage_hourly', kind: 'hourly', row: 'first_offset' },
  { table: 'usage_daily', kind: 'daily', row: 'first_offset' },
] as const;

test('whichever single cell of the ledger, the dead letters or the windows is changed, it is found', async () => {
  const { clickHouse } = pipeline.stack;
  const all = TABLES.map(({ table }) => table);
  const [damages, report] = await restoring(clickHouse, all, async () => {
    const made: (readonly Damage[])[] = [];
    for (const { table, row } of TABLES) {
      const where = `topic = '${live[0]?.topic ?? ''}'`;
      made.push(await damageEveryColumn(clickHouse, table, { where, row }, notCompared(table)));
    }
    return [made, await recount(null, 1_000)] as const;
  });
  for (const [n, { table, kind }] of TABLES.entries()) {
    const made = damages[n] ?? [];
    expect(made.length).toBeGreaterThan(9);
    expect([table, unnoticed(made, report.first, kind)]).toEqual([table, []]);
  }
});

interface Tampering {
  readonly what: string;
  readonly query: string;
  /** Each must be found. */
  readonly found: readonly (readonly [kind: string, problem: RegExp])[];
}

/** A row of a table again, with some of its columns changed. */
const again = (table: string, changes: Readonly<Record<string, string>>, where = '1'): string => {
  const values = Object.entries(changes).map(([column, value]) => `${value} AS ${column}`);
  return `INSERT INTO ${table} SELECT * REPLACE (${values.join(', ')})
    FROM (SELECT * FROM ${table} FINAL WHERE ${where} ORDER BY ALL LIMIT 1)`;
};

/** Deletes the last row of a table. */
const without = (table: string, key: string, where: string): string =>
  `ALTER TABLE ${table} DELETE WHERE (${key}) IN
   (SELECT ${key} FROM ${table} WHERE ${where} ORDER BY ${key} DESC LIMIT 1)`;

const tamperings = (): readonly Tampering[] => {
  const [compute = '', storage = ''] = live.map(({ topic }) => topic);
  const of = (partition: number): string =>
    `topic = '${compute}' AND partition = ${String(partition)}`;
  const window = 'topic, partition, usage_hour, first_offset';
  const day = 'topic, partition, usage_day, first_offset';
  const record = 'topic, partition, offset';
  const noWindow = /^is stored, and the log has no such window$/;
  const noRecord = /^is stored, and the log has no such record there$/;
  const isGone = /^is not stored/;
  return [
    {
      what: 'an event',
      query: without('usage_events', record, of(0)),
      found: [['ledger', isGone]],
    },
    {
      what: 'a refused record',
      query: without('dead_letters', record, of(0)),
      found: [['dead-letter', isGone]],
    },
    {
      what: 'an hourly window',
      query: without('usage_hourly', window, of(0)),
      found: [['hourly', /^is not stored, recounted \d+ events with /]],
    },
    {
      what: 'a daily window',
      query: without('usage_daily', day, of(0)),
      found: [['daily', /^is not stored, recounted \d+ events with /]],
    },
    {
      what: 'an event more',
      query: again('usage_events', { offset: '0', event_id: 'generateUUIDv4()' }, of(1)),
      found: [
        ['ledger', noRecord],
        ['conservation', /^\d+ events are accepted, and the ledger has \d+$/],
      ],
    },
    {
      what: 'an event beyond the end of the log',
      query: again('usage_events', { offset: '1000000', event_id: 'generateUUIDv4()' }, of(1)),
      found: [['ledger', /^is stored, and the log ends at offset \d+$/]],
    },
    {
      what: 'a dead letter for a record that was accepted',
      query: again(
        'dead_letters',
        { offset: `(SELECT min(offset) FROM usage_events WHERE ${of(1)})` },
        of(1),
      ),
      found: [
        ['dead-letter', noRecord],
        ['conservation', /^\d+ records are refused, and \d+ are dead letters$/],
      ],
    },
    {
      what: 'a dead letter beyond the end of the log',
      query: again('dead_letters', { offset: '1000000' }, of(1)),
      found: [['dead-letter', /^is stored, and the log ends at offset \d+$/]],
    },
    {
      what: 'an hourly window more',
      query: again('usage_hourly', { meter_key: "'nothing'" }, of(1)),
      found: [
        ['hourly', noWindow],
        ['conservation', /^\d+ events are accepted, and the windows hold \d+$/],
      ],
    },
    {
      what: 'an hourly window before the first hour of its source',
      query: again(
        'usage_hourly',
        { reported_hour: "toDateTime('2001-01-01 00:00:00', 'UTC')", event_count: '0' },
        of(1),
      ),
      found: [['hourly', noWindow]],
    },
    {
      what: 'an hourly window that reaches beyond the end of the log',
      query: again('usage_hourly', { last_offset: '1000000', version: '1000000' }, of(1)),
      found: [['hourly', /^last_offset is beyond the log, which ends at offset \d+$/]],
    },
    {
      what: 'an hourly window of a generation that no restatement made',
      query: again(
        'usage_hourly',
        { generation: '3', version: 'bitShiftLeft(toUInt64(3), 48) + last_offset' },
        `${of(1)} AND event_count > 1`,
      ),
      found: [['hourly', /^generation is 3, and no restatement of it is recorded$/]],
    },
    {
      what: 'a daily window more',
      query: again('usage_daily', { meter_key: "'nothing'" }, of(1)),
      found: [['daily', noWindow]],
    },
    {
      what: 'a daily window that reaches beyond the end of the log',
      query: again(
        'usage_daily',
        {
          last_hour: "toDateTime('2100-01-01 00:00:00', 'UTC')",
          version: "toUnixTimestamp(toDateTime('2100-01-01 00:00:00', 'UTC'))",
        },
        of(1),
      ),
      found: [['daily', /^last_hour is beyond the log/]],
    },
    {
      what: 'rows of a partition that no source has',
      query: again('usage_daily', { partition: '7' }, of(1)),
      found: [['register', /^has rows of a partition that no source has$/]],
    },
    {
      what: 'no checkpoint',
      query: `ALTER TABLE checkpoints DELETE WHERE topic = '${storage}'`,
      found: [['checkpoint', /^is not stored, and usage_events has rows of it$/]],
    },
    {
      what: 'a sealed run that is abandoned',
      query: again(
        'sources',
        { state: "'abandoned'", revision: 'revision + 1' },
        "kind = 'history'",
      ),
      found: [['register', /^state is abandoned, and partition 0 is sealed$/]],
    },
    {
      what: 'a source of more partitions than its topic',
      query: again(
        'sources',
        { partitions: 'partitions + 1', revision: 'revision + 1' },
        `topic = '${storage}'`,
      ),
      found: [['register', /^partitions is 2, the topic has 1$/]],
    },
  ];
};

test('rows that are missing, one too many or beyond the log are all found', async () => {
  const { clickHouse } = pipeline.stack;
  const tables = [...TABLES.map(({ table }) => table), 'checkpoints', 'sources'];
  const list = tamperings();
  const report = await restoring(clickHouse, tables, async () => {
    for (const { query } of list) await command(query);
    return recount(null, 1_000);
  });
  const missed = list.filter(
    ({ found }) =>
      !found.every(([kind, problem]) =>
        report.first.some((each) => each.kind === kind && problem.test(each.problem)),
      ),
  );
  expect(missed.map(({ what }) => what)).toEqual([]);
  expect(report.differences).toBe(report.first.length);
  expect((await recount()).first).toEqual([]); // all of it is as it was
});

/** Columns of a checkpoint by which the audit decides what it reads; the others are only compared. */
const DECISIVE = [
  'topic',
  'epoch',
  'partition',
  'next_offset',
  'open_hour',
  'last_record',
  'digest',
];

test('whichever cell of a checkpoint is changed, it is found', async () => {
  const { clickHouse } = pipeline.stack;
  const topic = live[1]?.topic ?? '';
  const columns = (await columnsOf(clickHouse, 'checkpoints')).map(({ name }) => name);
  const plain = columns.filter(
    (column) => !DECISIVE.includes(column) && !notCompared('checkpoints').includes(column),
  );
  const damaged = (cells: readonly string[]): Promise<AuditReport> =>
    restoring(clickHouse, ['checkpoints'], async () => {
      await damageRow(clickHouse, 'checkpoints', `topic = '${topic}'`, cells);
      return recount(topic);
    });
  const { first } = await damaged(plain);
  const told = first.find(({ kind }) => kind === 'checkpoint')?.problem ?? '';
  expect(plain.filter((column) => !told.includes(`${column} is `))).toEqual([]);
  const missed: string[] = [];
  for (const column of DECISIVE) {
    if ((await damaged([column])).differences === 0) missed.push(column);
  }
  expect(missed).toEqual([]);
});

test('the command names the differing row with its offset, and exits with 1', async () => {
  const changedBy = (by: string): string =>
    `ALTER TABLE usage_hourly UPDATE quantity = quantity ${by} WHERE (topic, partition, first_offset) IN
     (SELECT topic, partition, first_offset FROM usage_hourly ORDER BY topic, partition, first_offset LIMIT 1)`;
  await command(changedBy('+ 1'));
  const found = await usagectl(['audit', '--no-billing'], pipeline.environment);
  expect(found.code).toBe(1);
  expect(found.stdout).toMatch(/^hourly {2}\S+\[\d\] {2}offset \d+$/m);
  expect(found.stdout).toMatch(/^ {2}quantity is ".*", recounted ".*"$/m);
  expect(found.stdout).toMatch(/\n1 difference\.\n$/);
  const limited = await usagectl(['audit', '--limit', '0'], pipeline.environment);
  expect(limited).toMatchObject({ code: 1 });
  expect(limited.stdout).not.toMatch(/recounted "/);
  await command(changedBy('- 1'));
});

test('what was reported before the first record that is left is not recountable, and the rest is compared', async () => {
  const report = await recount();
  const storage = report.partitions.find(({ topic }) => topic.endsWith('.storage'));
  if (!storage) throw new Error('there is no storage source');
  const { topic } = storage;
  // In the first hour that has events; there are more of them.
  const [cut] = await queryRows<{ offset: number }>(
    pipeline.stack.clickHouse,
    `SELECT toUInt32(avg(offset)) AS offset FROM usage_events WHERE topic = {topic:String}
     AND reported_hour IN (SELECT min(reported_hour) FROM usage_events WHERE topic = {topic:String})`,
    { topic },
  );
  const from = cut?.offset ?? 0;
  await pipeline.admin.deleteTopicRecords({
    topic,
    partitions: [{ partition: 0, offset: String(from) }],
  });
  const late = await recount(topic);
  expect(late.first).toEqual([]);
  const [partition] = late.partitions;
  expect(partition).toMatchObject({ state: 'partly', from });
  expect(partition?.records).toBe(storage.end - from);
  expect(partition?.notRecountable.hourly).toBeGreaterThan(0);
  expect(partition?.hourly).toBeGreaterThan(0);
  expect((partition?.hourly ?? 0) + (partition?.notRecountable.hourly ?? 0)).toBe(storage.hourly);

  // What is left is still compared, duplicates of what has expired included.
  const changed = await restoring(pipeline.stack.clickHouse, ['usage_hourly'], async () => {
    for (const order of ['reported_hour DESC, last_offset', 'reported_hour, last_offset']) {
      await command(
        `ALTER TABLE usage_hourly UPDATE quantity = quantity + 1 WHERE topic = '${topic}' AND first_offset IN
         (SELECT first_offset FROM usage_hourly WHERE topic = '${topic}' ORDER BY ${order} LIMIT 1)`,
      );
    }
    return recount(topic);
  });
  // Of what has expired, the hours are held against the ledger, and the days against the hours.
  const told = changed.first.map(({ kind, problem }) => `${kind}: ${problem}`);
  expect(told.slice(0, 2)).toEqual([
    expect.stringMatching(/^hourly: quantity is ".*", recounted ".*"$/),
    expect.stringMatching(
      /^hourly: the windows hold \d+ events with \S+, the ledger has \d+ events/,
    ),
  ]);
  // Where its day has closed in time, that is held against its hours as well.
  expect(told.slice(2).filter((problem) => !problem.startsWith('daily: the day holds'))).toEqual(
    [],
  );
  const text = await usagectl(['audit', '--source', topic], pipeline.environment);
  expect(text.stdout).toMatch(
    /^Not recountable: \d+ hourly and \d+ daily rows of \S+: its first records have expired/m,
  );

  await pipeline.admin.deleteTopicRecords({
    topic,
    partitions: [{ partition: 0, offset: '-1' }],
  });
  expect((await recount(topic)).partitions).toMatchObject([{ state: 'expired', records: 0 }]);
});
