import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forbiddenOf, GRANTS, writeAccess } from './access.ts';
import { guard } from './guard.ts';

/** An engine of a later version, with one more of each kind. */
const LATER = {
  tableFunctions: ['numbers', 'file', 'fromTheMoon'],
  engines: ['MergeTree', 'File', 'MoonTree'],
  textSettings: ['log_comment', 'format_schema', 'moon_url'],
};

test('what another version of the engine brings is refused until it is allowed', async () => {
  const forbidden = forbiddenOf(LATER);
  expect(guard("SELECT * FROM fromTheMoon('x')", {}, forbidden)?.error).toBe('ACCESS_DENIED');
  expect(guard('CREATE TABLE t (a Int8) ENGINE MoonTree', {}, forbidden)?.error).toBe(
    'ACCESS_DENIED',
  );
  expect(
    guard('CREATE TABLE t ENGINE = MergeTree AS SELECT * FROM numbers(1)', {}, forbidden),
  ).toBe(null);
  const directory = await mkdtemp(join(tmpdir(), 'access-'));
  await writeAccess(directory, LATER, GRANTS);
  const users = await readFile(join(directory, 'access/users.xml'), 'utf8');
  expect(users).toContain('<moon_url><const/></moon_url>');
  expect(users).toContain('<format_schema><const/></format_schema>');
  expect(users).not.toContain('log_comment');
  await rm(directory, { recursive: true });
});

test.each([
  'SELECT engine FROM system.tables',
  'SELECT \'file(\', "a.file" AS files FROM t -- file(1)',
  'SELECT profile, filesystem FROM t WHERE url = {url:String}',
  'ALTER TABLE t ATTACH PARTITION 1',
  "SELECT format('{}', x), url FROM t",
  "INSERT INTO t SELECT 'INTO OUTFILE'",
])('%s passes', (sql) => {
  expect(guard(sql, { url: 'file' }, forbiddenOf(LATER))).toBe(null);
});

test.each([
  "INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV",
  "INSERT INTO t (a) FROM INFILE 'x' COMPRESSION 'gzip' FORMAT CSV",
  "SELECT 1 INTO OUTFILE '/tmp/x'",
  "SELECT 1 INTO /* */ OUTFILE '/tmp/x' FORMAT CSV",
  "select File FROM t WHERE `file`('x')",
  'SELECT Disk(1)',
])('%s is refused', (sql) => {
  expect(guard(sql, {}, forbiddenOf(LATER))?.error).toBe('ACCESS_DENIED');
});
