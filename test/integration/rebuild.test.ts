import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { beginHistory, writeHistory } from '../../services/operations/history-runs/history-run.ts';
import { checkUnmixed, readUnmixed } from '../../services/operations/exports/unmixed.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { hourState, readCoverage } from '../../services/shared/sources/coverage.ts';
import { simulatedHistory } from '../../services/development/simulated-cloud/history.ts';
import { HOUR_MILLIS, isoText, nextHour, type Hour } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import { openTestSignIn } from '../support/sign-in.ts';
import { startService, usagectl, type ServiceProcess } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';

const FIRST = timeOf('2025-03-01T20:00:00Z');
const LAST = timeOf('2025-03-02T03:00:00Z');

let pipeline: Pipeline;
let topic: string;

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
  await pipeline.startAggregator();
  const begun = await beginHistory(
    pipeline.tools,
    {
      origin: 'rebuild',
      firstHour: FIRST,
      lastHour: LAST,
      hourMillis: HOUR_MILLIS,
      partitions: 2,
      billable: false,
    },
    pipeline.stack.config.USAGE_TOPIC_PREFIX,
  );
  topic = begun.source.topic;
  await writeHistory(
    pipeline.tools,
    begun.source,
    simulatedHistory({
      ...{ seed: 4, subscriptions: 6, operator: '39c82aed-b2b7-4a66-abdb-611de00bf11e' },
      ...{ firstHour: FIRST, lastHour: LAST, hourMillis: HOUR_MILLIS },
    }),
  );
  await waitFor(
    'the run is complete',
    async () =>
      hourState(await readCoverage(pipeline.stack.clickHouse), LAST, HOUR_MILLIS) === 'complete',
  );
  await pipeline.stopAll();
});

afterAll(async () => {
  await pipeline.close();
});

const rebuild = (...more: readonly string[]) =>
  usagectl(
    ['rebuild', topic, '--from', '2025-03-01T20:00:00Z', '--to', '2025-03-02T04:00:00Z', ...more],
    pipeline.environment,
  );

const rows = (table: string): Promise<readonly object[]> =>
  queryRows(
    pipeline.stack.clickHouse,
    `SELECT * EXCEPT (generation, version) FROM ${table} FINAL
     ORDER BY ${table === 'usage_hourly' ? 'reported_hour, usage_hour' : 'reported_day, usage_day'}, partition, meter_key, resource_key`,
  );

const command = (query: string): Promise<unknown> =>
  pipeline.stack.clickHouse.command({ query, clickhouse_settings: { mutations_sync: '2' } });

test('windows that are right are left alone', async () => {
  expect(await rebuild()).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Every window agrees with the ledger') as string,
  });
});

test('a row that is wrong, one that is missing and one too many are shown first, and restated when asked', async () => {
  const before = { hourly: await rows('usage_hourly'), daily: await rows('usage_daily') };
  // As a defect or a hand would leave them: rows that win over the right ones.
  await command(
    `INSERT INTO usage_hourly SELECT * EXCEPT (version) REPLACE (quantity + 1 AS quantity, last_offset + 1000000 AS last_offset)
    FROM usage_hourly FINAL WHERE reported_hour = '2025-03-01 22:00:00' ORDER BY resource_key LIMIT 3`.replace(
      'INSERT INTO usage_hourly SELECT',
      `INSERT INTO usage_hourly (${COLUMNS}) SELECT`,
    ),
  );
  await command(`INSERT INTO usage_hourly (${COLUMNS}) SELECT * EXCEPT (version) REPLACE ('phantom' AS resource_key, 7 AS quantity)
    FROM usage_hourly FINAL WHERE reported_hour = '2025-03-02 01:00:00' LIMIT 1`);
  await command(
    `ALTER TABLE usage_hourly DELETE WHERE reported_hour = '2025-03-02 02:00:00' AND meter_key = 'f271a8a388c44d93956a063e1d2fa80b'`,
  );
  await command(
    `INSERT INTO usage_daily (${DAILY}) SELECT ${DAILY.replace('quantity', 'quantity + 5')} FROM usage_daily FINAL LIMIT 1`,
  );

  const dry = await rebuild();
  expect(dry.code).toBe(1); // it has found something
  expect(dry.stdout).toContain('Nothing was changed');
  expect(dry.stdout).toContain('phantom');
  expect(await rows('usage_hourly')).not.toEqual(before.hourly);
  expect(await rebuild('--apply')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--reason') as string,
  });

  const applied = await rebuild('--apply', '--reason', 'a test');
  expect(applied).toMatchObject({ code: 0, stderr: '' });
  expect(await rows('usage_hourly')).toEqual(before.hourly);
  expect(await rows('usage_daily')).toEqual(before.daily);
  expect((await rebuild()).stdout).toContain('Every window agrees with the ledger');
});

test('readers of the API see which hours were restated, and not those of which the ledger alone was mended', async () => {
  await command(
    `INSERT INTO restatements (topic, epoch, partition, reported_hour, generation, windows, written, reason, actor)
     SELECT topic, epoch, partition, toDateTime('2025-03-01 21:00:00', 'UTC'), generation, 0, written, reason, actor FROM restatements LIMIT 1`,
  );
  const signIn = await openTestSignIn();
  const headers = await signIn.headersOf('Reader', '39c82aed-b2b7-4a66-abdb-611de00bf11e');
  const api: ServiceProcess = await startService('usage-api', {
    ...pipeline.environment,
    ...signIn.environment,
    USAGE_API_PORT: '0',
  });
  const url = await api.address('url');
  const ask = (from: string, to: string) =>
    fetch(
      `${url}/subscriptions/39c82aed-b2b7-4a66-abdb-611de00bf11e/providers/Microsoft.Commerce.Admin/subscriberUsageAggregates` +
        `?reportedStartTime=${from}&reportedEndTime=${to}&aggregationGranularity=Hourly&api-version=2015-06-01-preview`,
      { headers },
    );
  const restated = await ask('2025-03-01T20:00:00Z', '2025-03-02T04:00:00Z');
  expect(restated.status).toBe(200);
  expect(restated.headers.get('x-usage-restated-hours')).toBe(
    '2025-03-01T22:00:00Z, 2025-03-02T01:00:00Z, 2025-03-02T02:00:00Z',
  );
  const untouched = await ask('2025-03-01T20:00:00Z', '2025-03-01T21:00:00Z');
  expect(untouched.headers.get('x-usage-restated-hours')).toBeNull();
  await api.stop();
  await signIn.close();
});

test('hours of a day that is still open are refused', async () => {
  const live = (await pipeline.sources()).find(({ kind }) => kind === 'live');
  const first = live?.firstHour ?? (0 as Hour);
  const [from, to] = [first, nextHour(first, HOUR_MILLIS)].map(isoText) as [string, string];
  const refused = await usagectl(
    ['rebuild', live?.topic ?? '', '--from', from, '--to', to],
    pipeline.environment,
  );
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain('is not closed on every partition');
});

test('a day of which the daily rows alone were wrong is recorded beside hours of another day', async () => {
  await command(`INSERT INTO usage_hourly (${COLUMNS}) SELECT * EXCEPT (version) REPLACE ('phantom' AS resource_key, 7 AS quantity)
    FROM usage_hourly FINAL WHERE reported_hour = '2025-03-02 01:00:00' LIMIT 1`);
  await command(
    `INSERT INTO usage_daily (${DAILY}) SELECT ${DAILY.replace('quantity', 'quantity + 5')} FROM usage_daily FINAL
     WHERE topic = '${topic}' AND reported_day = '2025-03-01 00:00:00' LIMIT 1`,
  );
  expect((await rebuild()).stdout).toContain('Daily rows that differ from the hourly ones: 1');
  expect(await rebuild('--apply', '--reason', 'both')).toMatchObject({ code: 0, stderr: '' });
  const recorded = await queryRows<{ hour: string }>(
    pipeline.stack.clickHouse,
    `SELECT DISTINCT toString(r.reported_hour) AS hour FROM restatements AS r WHERE reason = 'both' ORDER BY hour`,
  );
  expect(recorded.map(({ hour }) => hour)).toEqual(['2025-03-01 20:00:00', '2025-03-02 01:00:00']);
});

describe('walk-beside-a-rebuild: nobody gets old rows and new ones together', () => {
  const FILES = mkdtempSync(join(tmpdir(), 'usage-rebuild-'));
  const OUTBOX = join(FILES, 'out');
  afterAll(() => rmSync(FILES, { recursive: true }));

  const killedAt = (failpoint: string) =>
    usagectl(
      [
        'rebuild',
        topic,
        '--from=2025-03-01T20:00:00Z',
        '--to=2025-03-02T04:00:00Z',
        '--apply',
        '--reason=x',
      ],
      { ...pipeline.environment, USAGE_FAILPOINT: `${failpoint}:1` },
    );
  const usageCommand = (...args: readonly string[]) => usagectl(args, pipeline.environment);
  const exported = (to: string) =>
    usageCommand(
      'export',
      '--from=2025-03-02T00:00:00Z',
      `--to=${to}`,
      `--output=${join(FILES, 'usage.csv')}`,
    );
  const charges = () =>
    usageCommand(
      'chargeback',
      '--month=2025-03',
      '--to-date',
      `--rates=${inRepository('samples/rates.json')}`,
    );
  const exportNew = () => usageCommand('export', '--incremental', OUTBOX);
  const spoil = () =>
    command(`INSERT INTO usage_hourly (${COLUMNS}) SELECT * EXCEPT (version) REPLACE (quantity + 1 AS quantity, last_offset + 1000000 AS last_offset)
      FROM usage_hourly FINAL WHERE topic = '${topic}' AND reported_hour = '2025-03-02 01:00:00' LIMIT 2`);
  /** The command that the message of an interrupted restatement names. */
  const finishBy = (text: string) => {
    const [, args] = /npx usagectl (rebuild .* --reason) "/.exec(text) ?? [];
    expect(args).toContain(
      `${topic} --epoch 1 --from 2025-03-02T01:00:00Z --to 2025-03-02T02:00:00Z`,
    );
    return usageCommand(...(args ?? '').split(' '), 'finish');
  };

  test.each(['rebuild-recorded', 'rebuild-restated', 'rebuild-rolled-up'])(
    'killed at %s, exports and charges wait, and the command that they name finishes it',
    async (failpoint) => {
      expect((await exportNew()).stderr).toBe('');
      await usageCommand('export', '--incremental', OUTBOX, '--rewrite-restated');
      const before = await rows('usage_hourly');
      await spoil();
      expect((await killedAt(failpoint)).code).toBeNull();

      const waiting = expect.stringContaining('a reported hour is being restated') as string;
      const refused = await exported('2025-03-02T02:00:00Z');
      expect(refused).toMatchObject({ code: 1, stderr: waiting });
      expect(await charges()).toMatchObject({ code: 1, stderr: waiting });
      expect(await exported('2025-03-02T01:00:00Z')).toMatchObject({ code: 0 });
      expect(await exportNew()).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('2025-03-02T01:00:00Z changed') as string,
      });
      expect(
        await usageCommand('export', '--incremental', OUTBOX, '--rewrite-restated'),
      ).toMatchObject({ code: 1, stdout: waiting });
      const dry = await rebuild();
      expect(dry.code).toBe(1);
      expect(dry.stdout).toContain('was begun and not finished: 2025-03-02T01:00:00Z');

      expect(await finishBy(refused.stderr)).toMatchObject({ code: 0, stderr: '' });
      expect(await rows('usage_hourly')).toEqual(before);
      expect((await rebuild()).stdout).toContain('Every window agrees with the ledger');
      expect(await exported('2025-03-02T02:00:00Z')).toMatchObject({ code: 0 });
      expect(await charges()).toMatchObject({ code: 0 });
      expect(
        await usageCommand('export', '--incremental', OUTBOX, '--rewrite-restated'),
      ).toMatchObject({ code: 0, stdout: expect.stringContaining('Wrote 1 file') as string });
    },
  );

  test('rows that were read while a restatement began are read again', async () => {
    const { clickHouse } = pipeline.stack;
    const coverage = await readCoverage(clickHouse);
    const range = { from: FIRST, to: nextHour(LAST, HOUR_MILLIS) };
    const record = (written: boolean) =>
      command(`INSERT INTO restatements (topic, epoch, partition, reported_hour, generation, windows, written, reason, actor)
        VALUES ('${topic}', 1, 0, '2025-03-01 21:00:00', 900, 1, ${String(written)}, 'race', 'test')`);
    let passes = 0;
    const read = readUnmixed(
      () => Promise.resolve({ client: clickHouse, coverage, hourMillis: HOUR_MILLIS, range }),
      async (reading) => {
        passes++;
        if (passes === 1) {
          await record(false);
          await record(true);
        }
        await checkUnmixed(reading);
        return reading.restated;
      },
    );
    expect(await read).toContainEqual({ hour: timeOf('2025-03-01T21:00:00Z'), generation: 900 });
    expect(passes).toBe(2);
  });
});

const COLUMNS = `topic, epoch, partition, reported_hour, usage_hour, usage_hour_end, subscription_key, meter_key,
  resource_key, subscription_id, meter_id, resource_uri, location, tags, additional_info, quantity,
  event_count, first_offset, last_offset, generation`;

const DAILY = `topic, epoch, partition, reported_day, usage_day, usage_day_end, subscription_key, meter_key,
  resource_key, subscription_id, meter_id, resource_uri, location, tags, additional_info, quantity,
  event_count, first_offset, last_hour, generation`;
