import { readdirSync, readFileSync } from 'node:fs';
import { statementsOf } from './statements.ts';

test('statements end with a semicolon at the end of a line, the last one also without', () => {
  expect(statementsOf("SELECT ';' AS a;\nSELECT 2;  \r\nSELECT 3")).toEqual([
    "SELECT ';' AS a",
    'SELECT 2',
    'SELECT 3',
  ]);
});

test('comments and empty statements are left out', () => {
  expect(statementsOf('-- one;\n\n  -- two;\nSELECT 1 -- kept\n;\n;\n')).toEqual([
    'SELECT 1 -- kept',
  ]);
  expect(statementsOf('')).toEqual([]);
});

test.each([
  ['CREATE TABLE t (a Int8)', 'CREATE TABLE IF NOT EXISTS t (a Int8)'],
  ['create view v AS SELECT 1', 'CREATE view IF NOT EXISTS v AS SELECT 1'],
  [
    'CREATE MATERIALIZED VIEW v TO t AS SELECT 1',
    'CREATE MATERIALIZED VIEW IF NOT EXISTS v TO t AS SELECT 1',
  ],
  ['CREATE TABLE IF NOT EXISTS t (a Int8)', 'CREATE TABLE IF NOT EXISTS t (a Int8)'],
  [
    'ALTER TABLE t ADD COLUMN IF NOT EXISTS b Int8',
    'ALTER TABLE t ADD COLUMN IF NOT EXISTS b Int8',
  ],
  ["INSERT INTO t VALUES ('CREATE TABLE x')", "INSERT INTO t VALUES ('CREATE TABLE x')"],
])('%s runs as %s', (sql, statement) => {
  expect(statementsOf(`${sql};\n`)).toEqual([statement]);
});

/** To say a comment twice changes nothing. */
const isComment = (statement: string): boolean =>
  /^ALTER TABLE \w+\s+(MODIFY COMMENT|COMMENT COLUMN) /.test(statement);

test('every migration can run twice', () => {
  const directory = new URL('../../../deploy/clickhouse/', import.meta.url);
  const files = readdirSync(directory).filter((name) => name.endsWith('.sql'));
  const statements = files.flatMap((name) =>
    statementsOf(readFileSync(new URL(name, directory), 'utf8')),
  );
  expect(statements.length).toBeGreaterThan(8);
  const isRepeatable = (statement: string): boolean =>
    / IF (NOT )?EXISTS /.test(statement) || isComment(statement);
  expect(statements.filter((statement) => !isRepeatable(statement))).toEqual([]);
});
