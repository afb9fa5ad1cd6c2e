import { queryRows } from '../../services/shared/clickhouse/client.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';

const FIRST = timeOf('2025-03-01T00:00:00Z');
const HOURS = 30;
const LAST = (FIRST + (HOURS - 1) * HOUR_MILLIS) as Hour;
const WHOLE = ['--from', '2025-03-01T00:00:00Z', '--to', '2025-03-02T06:00:00Z'];
const DAMAGED = '2025-03-01 07:00:00';

let pipeline: Pipeline;
let source: RegisteredSource;
let right: Stored;

interface Stored {
  readonly ledger: readonly object[];
  readonly deadLetters: readonly object[];
  readonly hourly: readonly object[];
  readonly daily: readonly object[];
}

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
  source = await pipeline.foldHistory(
    { origin: 'rebuild-from-log', firstHour: FIRST, lastHour: LAST, partitions: 2 },
    { seed: 11 },
  );
  right = await stored();
});

afterAll(async () => {
  await pipeline.close();
});

const select = (query: string): Promise<readonly Record<string, unknown>[]> =>
  queryRows(pipeline.stack.clickHouse, query);

const command = (query: string): Promise<unknown> =>
  pipeline.stack.clickHouse.command({ query, clickhouse_settings: { mutations_sync: '2' } });

/** All that is stored, with every copy of a row of the ledger: the aggregator reads these. */
const stored = async (): Promise<Stored> => ({
  ledger: await select(
    'SELECT DISTINCT * FROM usage_events ORDER BY topic, partition, offset, event_id, quantity',
  ),
  deadLetters: await select(
    'SELECT DISTINCT * EXCEPT (message) FROM dead_letters ORDER BY topic, partition, offset, code',
  ),
  hourly: await select(
    `SELECT * EXCEPT (generation, version) FROM usage_hourly FINAL
     ORDER BY topic, partition, reported_hour, usage_hour, subscription_key, meter_key, resource_key`,
  ),
  daily: await select(
    `SELECT * EXCEPT (generation, version) FROM usage_daily FINAL
     ORDER BY topic, partition, reported_day, usage_day, subscription_key, meter_key, resource_key`,
  ),
});

const rebuild = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  usagectl(['rebuild', source.topic, ...args], { ...pipeline.environment, ...environment });

const APPLY = ['--apply', '--reason', 'a test'];

interface Found {
  readonly fromLog: {
    readonly ledger: { readonly count: number; readonly first: readonly { kind: string }[] };
    readonly deadLetters: { readonly count: number; readonly first: readonly { kind: string }[] };
    readonly hours: readonly number[];
    readonly otherHours: readonly number[];
  };
  readonly windows: { readonly count: number };
  readonly days: { readonly count: number };
  readonly restated: { readonly windows: number } | null;
}

const found = async (args: readonly string[]): Promise<Found> => {
  const { code, stdout, stderr } = await rebuild([...args, '--from-log', '--json']);
  if (stdout === '') throw new Error(stderr);
  const found = JSON.parse(stdout) as Found;
  const { fromLog, windows, days, restated } = found;
  const left =
    fromLog.ledger.count + fromLog.deadLetters.count + windows.count + days.count > 0 && !restated;
  expect(code).toBe(left ? 1 : 0);
  return found;
};

const kinds = ({ fromLog }: Found, of: 'ledger' | 'deadLetters'): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { kind } of fromLog[of].first) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
};

const LEDGER = `topic, epoch, partition, offset, event_id, content_digest, reported_time, reported_hour,
  usage_hour, usage_start, usage_end, subscription_id, meter_id, resource_uri, quantity, location, tags,
  additional_info`;

/** Inserts rows of the ledger again, changed. */
const forge = (changes: string, where: string, count: number): Promise<unknown> =>
  command(
    `INSERT INTO usage_events (${LEDGER}) SELECT * REPLACE (${changes}) FROM (
       SELECT * FROM usage_events FINAL WHERE ${where} ORDER BY partition, offset LIMIT ${String(count)})`,
  );

const deleted = (table: string, where: string, count: number): Promise<unknown> =>
  command(
    `ALTER TABLE ${table} DELETE WHERE (partition, offset) IN
     (SELECT partition, offset FROM ${table} WHERE ${where} ORDER BY partition, offset LIMIT ${String(count)})`,
  );

const inHour = `reported_hour = '${DAMAGED}'`;

const at = (hour: number): string =>
  `reported_hour = '2025-03-01 ${String(hour).padStart(2, '0')}:00:00'`;

const damages: readonly {
  readonly what: string;
  readonly damage: () => Promise<unknown>;
  readonly ledger?: Readonly<Record<string, number>>;
  readonly deadLetters?: Readonly<Record<string, number>>;
}[] = [
  {
    what: 'events that are gone from the ledger, that never were, and that are not as they came',
    damage: async () => {
      await deleted('usage_events', at(7), 5);
      // Beyond the end of the log, and where a record was refused.
      await forge('offset + 1000000 AS offset', at(8), 3);
      await forge(
        `(SELECT min(d.offset) FROM dead_letters AS d WHERE d.partition = 0) AS offset`,
        `${at(9)} AND partition = 0`,
        1,
      );
      // Beside the right row, in place of it, and in another hour as well.
      await forge('generateUUIDv4() AS event_id', at(10), 2);
      await forge('quantity + 1 AS quantity', at(11), 2);
      await forge('content_digest + 1 AS content_digest', at(12), 1);
      await forge(`toDateTime('2025-03-01 13:00:00', 'UTC') AS reported_hour`, at(5), 2);
    },
    ledger: { missing: 5, phantom: 4, differs: 7 },
  },
  {
    what: 'dead letters that are gone, that have another code, and one too many',
    damage: async () => {
      await deleted('dead_letters', 'partition = 0', 2);
      await command(
        `ALTER TABLE dead_letters UPDATE code = 'forged-control' WHERE (partition, offset) IN
         (SELECT partition, offset FROM dead_letters WHERE partition = 1 ORDER BY offset LIMIT 1)`,
      );
      await command(
        `INSERT INTO dead_letters (topic, epoch, partition, offset, code, message, reported_time, record_timestamp, record_headers)
         SELECT topic, epoch, partition, offset, 'malformed', '', reported_time, 0, '{}' FROM usage_events
         WHERE ${inHour} ORDER BY partition, offset LIMIT 1`,
      );
    },
    deadLetters: { missing: 2, differs: 1, phantom: 1 },
  },
];

/** What a rebuild from the ledger leaves behind where that was wrong: windows of wrong rows. */
const spoilWindows = async (): Promise<void> => {
  const { code, stderr } = await rebuild([...WHOLE, ...APPLY]);
  if (code !== 0) throw new Error(stderr);
};

test('where everything is right it finds nothing', async () => {
  expect(await rebuild([...WHOLE, '--from-log'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^The ledger, the dead letters and every window agree with the log: /,
    ) as string,
  });
});

test.each(damages)(
  '$what: shown first, and mended when asked',
  async ({ damage, ledger = {}, deadLetters = {} }) => {
    await damage();
    await spoilWindows();
    const wrong = await stored();
    const dry = await found(WHOLE);
    expect(kinds(dry, 'ledger')).toEqual(ledger);
    expect(kinds(dry, 'deadLetters')).toEqual(deadLetters);
    expect(dry.fromLog.otherHours).toEqual([]);
    expect(dry.restated).toBeNull();
    expect(await stored()).toEqual(wrong);

    const applied = await found([...WHOLE, ...APPLY]);
    expect(applied.fromLog).toEqual(dry.fromLog);
    expect(applied.windows).toMatchObject(dry.windows); // what it restated is what it had shown
    expect(applied.restated?.windows).toBe(dry.windows.count);
    expect(await stored()).toEqual(right);
  },
);

test('afterwards the audit finds no difference', async () => {
  expect(await usagectl(['audit', '--source', source.topic], pipeline.environment)).toMatchObject({
    code: 0,
  });
});

test('the windows of a right ledger, and daily rows alone, are mended too', async () => {
  await command(`ALTER TABLE usage_hourly DELETE WHERE ${inHour}`);
  const hourly = await found(WHOLE);
  expect(hourly.fromLog.ledger.count).toBe(0);
  expect(hourly.windows.count).toBeGreaterThan(0);
  await found([...WHOLE, ...APPLY]);
  expect(await stored()).toEqual(right);

  await command(
    `ALTER TABLE usage_daily UPDATE tags = 'another' WHERE reported_day = '2025-03-01'`,
  );
  const daily = await found(WHOLE);
  expect(daily.windows.count).toBe(0);
  expect(daily.days.count).toBeGreaterThan(0);
  await command('TRUNCATE TABLE restatements');
  await found([...WHOLE, ...APPLY]);
  expect(await stored()).toEqual(right);
  expect(
    await select(
      `SELECT DISTINCT toString(reported_hour) AS day FROM restatements WHERE windows > 0`,
    ),
  ).toEqual([{ day: '2025-03-01 00:00:00' }]);
});

test('killed in the middle of mending and repeated, it finishes; once more it finds nothing', async () => {
  await deleted('usage_events', inHour, 4);
  await forge('generateUUIDv4() AS event_id', at(11), 3);
  await spoilWindows();
  for (const failpoint of ['rebuild-inserted', 'rebuild-deleted', 'rebuild-restated']) {
    const killed = await rebuild([...WHOLE, '--from-log', ...APPLY], {
      USAGE_FAILPOINT: `${failpoint}:1`,
    });
    expect(killed.code).toBeNull();
    expect(await stored()).not.toEqual(right);
  }
  expect(await rebuild([...WHOLE, '--from-log', ...APPLY])).toMatchObject({ code: 0 });
  expect(await stored()).toEqual(right);
  expect((await rebuild([...WHOLE, '--from-log'])).stdout).toMatch(/^The ledger, the dead/);
});

test('who did it, why and to which hours is recorded, also where no window changed', async () => {
  await command('TRUNCATE TABLE restatements');
  await deleted('usage_events', inHour, 1); // its window stays right
  await rebuild([...WHOLE, '--from-log', '--apply', '--reason', 'one was lost']);
  expect(await stored()).toEqual(right);
  expect(
    await select(
      `SELECT toString(reported_hour) AS hour, toString(windows) AS windows, reason, actor != '' AS named FROM restatements`,
    ),
  ).toEqual([{ hour: DAMAGED, windows: '0', reason: 'one was lost', named: 1 }]);
  const [operation] = await select(
    `SELECT detail FROM operations WHERE kind = 'restated' ORDER BY at DESC LIMIT 1`,
  );
  expect(JSON.parse(String(operation?.['detail']))).toMatchObject({
    reason: 'one was lost',
    windows: 0,
    mended: { ledger: 1, deadLetters: 0, hours: [timeOf('2025-03-01T07:00:00Z')] },
  });
});

test('the table names what is wrong with its offset, and hours outside the range that it concerns', async () => {
  const move = `toDateTime('2025-03-01 09:00:00', 'UTC') AS reported_hour`;
  await forge(move, at(5), 1);
  await forge(move, at(15), 1);
  const only = ['--from', '2025-03-01T09:00:00Z', '--to', '2025-03-01T10:00:00Z', '--from-log'];
  const dry = await rebuild(only);
  expect(dry.stdout).toMatch(/^Rows of the ledger that differ from the log: 2$/m);
  expect(dry.stdout).toMatch(
    /^ +\d +\d+ +2025-03-01T05:00:00Z +[-0-9a-f]{36} +reported_hour is \d+, recounted \d+$/m,
  );
  expect(dry.stdout).toMatch(/Nothing was changed; --apply/);
  expect(dry.stdout).toMatch(/rebuild 2025-03-01T05:00:00Z, 2025-03-01T15:00:00Z too\.$/m);
  await rebuild([...only, ...APPLY]);
  expect(await stored()).toEqual(right);
});

test('what it cannot do it refuses, and says why', async () => {
  const said = async (args: readonly string[], environment = {}): Promise<string> => {
    const { code, stderr } = await rebuild(args, environment);
    expect(code).toBe(1);
    return stderr;
  };
  expect(await said([...WHOLE, '--from-log', '--apply'])).toMatch(/give the reason with --reason/);
  expect(
    await said(['--from', '2025-03-01T00:30:00Z', '--to', '2025-03-01T01:00:00Z', '--from-log']),
  ).toMatch(/--from must be the start of an hour, .* but is 2025-03-01T00:30:00Z/);
  expect(await said([...WHOLE, '--from-log'], { USAGE_CONTROL_KEYS: '' })).toMatch(
    /USAGE_CONTROL_KEYS/,
  );

  // The first records of one partition expire.
  const [at] = await select(
    `SELECT toString(max(offset)) AS offset FROM usage_events WHERE partition = 1 AND ${inHour}`,
  );
  await pipeline.admin.deleteTopicRecords({
    topic: source.topic,
    partitions: [{ partition: 1, offset: String(at?.['offset']) }],
  });
  expect(await said([...WHOLE, '--from-log'])).toMatch(
    /the first hour that can be recounted from its log is 2025-03-01T08:00:00Z/,
  );
  await deleted('usage_events', `reported_hour = '2025-03-01 08:00:00' AND partition = 1`, 3);
  await deleted('usage_events', `${inHour} AND partition = 1`, 1);
  const rest = ['--from', '2025-03-01T08:00:00Z', '--to', '2025-03-02T06:00:00Z'];
  expect((await found(rest)).fromLog.ledger.count).toBe(3);

  await pipeline.admin.deleteTopicRecords({
    topic: source.topic,
    partitions: [{ partition: 1, offset: '-1' }],
  });
  expect(await said([...WHOLE, '--from-log'])).toMatch(/No record of .*\[1\] that was counted/);
  await pipeline.admin.deleteTopics({ topics: [source.topic] });
  expect(await said([...WHOLE, '--from-log'])).toMatch(/The log of .* is gone/);
});
