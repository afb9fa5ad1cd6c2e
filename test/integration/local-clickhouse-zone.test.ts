import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  startClickHouse,
  type LocalClickHouse,
} from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { loginHeaders } from '../support/clickhouse-login.ts';

/**
 * The engine once took the host's zone while its header said UTC: under this one, half an hour off
 * and with a daylight saving of half an hour, `toDateTime('2019-12-10 19:00:00')` found no row.
 */
const ELSEWHERE = 'Australia/Lord_Howe';

let directory: string;
let server: LocalClickHouse;
const { TZ } = process.env;

beforeAll(async () => {
  process.env['TZ'] = ELSEWHERE;
  directory = await mkdtemp(join(tmpdir(), 'local-clickhouse-zone-'));
  server = await startClickHouse({ dataDir: join(directory, 'data') });
  await ask(
    `CREATE TABLE t (a DateTime, b DateTime('UTC'), c DateTime64(3)) ENGINE = MergeTree ORDER BY b`,
  );
  await ask(
    `INSERT INTO t VALUES ('2019-12-10 19:00:00', '2019-12-10 19:00:00', '2019-12-10 19:00:00.5')`,
  );
  await ask(
    'INSERT INTO t FORMAT JSONEachRow {"a":"2019-12-10 19:00:00","b":1576004400,"c":"2019-12-10 19:00:00.500"}',
  );
});
afterAll(async () => {
  if (TZ === undefined) delete process.env['TZ'];
  else process.env['TZ'] = TZ;
  await server.stop();
  await rm(directory, { recursive: true });
});

const answerTo = (sql: string): Promise<Response> =>
  fetch(server.url, {
    method: 'POST',
    body: sql,
    headers: loginHeaders(server.environment),
  });

const ask = async (sql: string): Promise<string> => {
  const response = await answerTo(sql);
  const answer = await response.text();
  if (!response.ok) throw new Error(answer);
  return answer.trim();
};

test.each([
  ['timezone()', 'UTC'],
  ['serverTimezone()', 'UTC'],
  ["toUnixTimestamp(toDateTime('2019-12-10 19:00:00'))", '1576004400'],
  ["toUnixTimestamp('2019-12-10 19:00:00')", '1576004400'],
  ["toUnixTimestamp64Milli(toDateTime64('2019-12-10 19:00:00.5', 3))", '1576004400500'],
  ["toUnixTimestamp(toStartOfDay(toDateTime(1576004400, 'UTC')))", '1575936000'],
  ['toUnixTimestamp(toStartOfDay(toDateTime(1576004400)))', '1575936000'],
  ["toUnixTimestamp(toDateTime(toDate('2019-12-10')))", '1575936000'],
  ['toDate(toDateTime(1576020600))', '2019-12-10'],
  ["formatDateTime(toDateTime(1576004400), '%F %T')", '2019-12-10 19:00:00'],
  ['toString(fromUnixTimestamp(1576004400))', '2019-12-10 19:00:00'],
  ["toString(parseDateTimeBestEffort('2019-12-10 19:00'))", '2019-12-10 19:00:00'],
  ["toString(now()) = toString(now('UTC'))", '1'],
  ["toDate(now()) = toDate(now('UTC')) AND today() = toDate(now('UTC'))", '1'],
])('the engine takes no zone from the host: %s is %s', async (expression, expected) => {
  expect(await ask(`SELECT ${expression}`)).toBe(expected);
});

test.each([
  ["a = toDateTime('2019-12-10 19:00:00')"],
  ["b = toDateTime('2019-12-10 19:00:00')"],
  ["b = '2019-12-10 19:00:00'"],
  ["b >= toStartOfHour(toDateTime('2019-12-10 19:12:00')) AND a = b"],
  ["c = toDateTime64('2019-12-10 19:00:00.5', 3)"],
  ['toUnixTimestamp(a) = 1576004400'],
])('rows are found by %s', async (condition) => {
  expect(await ask(`SELECT count() FROM t WHERE ${condition}`)).toBe('2');
});

test('times in answers are in the zone that their header names', async () => {
  const response = await answerTo('SELECT a, b, c FROM t LIMIT 1 FORMAT JSONEachRow');
  expect(response.headers.get('X-ClickHouse-Timezone')).toBe('UTC');
  expect(await response.json()).toEqual({
    a: '2019-12-10 19:00:00',
    b: '2019-12-10 19:00:00',
    c: '2019-12-10 19:00:00.500',
  });
});
