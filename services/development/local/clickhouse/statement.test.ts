import { classify, hasSecondStatement } from './statement.ts';

const summaryOf = (sql: string): string => {
  const statement = classify(sql);
  switch (statement.kind) {
    case 'read':
      return `read ${statement.format ?? '-'}${statement.inPieces ? '' : ' whole'}`;
    case 'write':
      return 'write';
    case 'insert':
      return `insert ${statement.format} ${JSON.stringify(sql.slice(statement.dataStart))}`;
    case 'refused':
      return `refused ${String(statement.code)}`;
  }
};

test.each([
  ['SELECT 1', 'read -'],
  ['select 1 format JSON', 'read JSON'],
  ['SELECT 1 FORMAT JSONEachRow SETTINGS max_threads = 1', 'read JSONEachRow'],
  ['SELECT 1 SETTINGS max_threads = 1 FORMAT CSV;', 'read CSV'],
  ["SELECT ' FORMAT CSV'", 'read -'],
  ['SELECT 1 -- FORMAT CSV', 'read -'],
  ['SELECT format FROM t', 'read -'],
  ['SELECT * FROM (SELECT 1 FORMAT CSV)', 'read -'],
  ["-- comment\n/* and another */ SELECT 'a;b' ; -- end", 'read -'],
  ['(SELECT 1) UNION ALL (SELECT 2)', 'read -'],
  ['WITH 1 AS x SELECT x', 'read -'],
  ['WITH y AS (SELECT 1) SELECT * FROM y FORMAT TSV', 'read TSV'],
  ['FROM t SELECT a', 'read -'],
  ['SHOW TABLES', 'read - whole'],
  ['DESCRIBE t FORMAT JSON', 'read JSON whole'],
  ['DESC t', 'read - whole'],
  ['EXISTS TABLE t', 'read - whole'],
  ['CHECK TABLE t', 'read - whole'],
  ['EXPLAIN SELECT 1', 'read - whole'],
])('%p reads', (sql, expected) => {
  expect(summaryOf(sql)).toBe(expected);
});

test.each([
  ['INSERT INTO t VALUES (1)', 'insert Values " (1)"'],
  ['insert into t values(1)', 'insert Values "(1)"'],
  ['INSERT INTO t (a, b) VALUES (1, 2);', 'insert Values " (1, 2);"'],
  ['INSERT INTO db.t VALUES (1)', 'insert Values " (1)"'],
  ['INSERT INTO `a b`.`FORMAT` VALUES (1)', 'insert Values " (1)"'],
  ['INSERT INTO "values" VALUES (1)', 'insert Values " (1)"'],
  ['INSERT INTO values VALUES (1)', 'insert Values " (1)"'],
  ['INSERT INTO TABLE t VALUES (1)', 'insert Values " (1)"'],
  ['INSERT INTO t (format, settings, select) VALUES (1, 2, 3)', 'insert Values " (1, 2, 3)"'],
  ['INSERT INTO t (* EXCEPT (b)) VALUES (1)', 'insert Values " (1)"'],
  ["INSERT INTO FUNCTION file('x', CSV, 'a Int8') VALUES (1)", 'insert Values " (1)"'],
  ["INSERT INTO TABLE FUNCTION file('x', CSV) VALUES (1)", 'insert Values " (1)"'],
  ["INSERT INTO t VALUES ('SELECT 1; INSERT')", 'insert Values " (\'SELECT 1; INSERT\')"'],
  ['/* a */ INSERT -- b\nINTO t -- c\nVALUES (1)', 'insert Values " (1)"'],
  ['INSERT INTO t FORMAT CSV\n1,2\n', 'insert CSV "1,2\\n"'],
  ['INSERT INTO t FORMAT CSV\r\n1', 'insert CSV "1"'],
  ['INSERT INTO t FORMAT CSV  1', 'insert CSV "1"'],
  ['INSERT INTO t FORMAT CSV\n\n1', 'insert CSV "\\n1"'],
  ['INSERT INTO t FORMAT CSV\n;1', 'insert CSV ";1"'],
  ['INSERT INTO t FORMAT RowBinary', 'insert RowBinary ""'],
  ['INSERT INTO t SETTINGS a = 1 FORMAT JSONEachRow {"a":1}', 'insert JSONEachRow "{\\"a\\":1}"'],
  ['INSERT INTO t FORMAT Values (1)', 'insert Values "(1)"'],
  ['INSERT INTO t FORMAT RowBinary\n\'"`/*\0', 'insert RowBinary "\'\\"`/*\\u0000"'],
])('%p inserts data', (sql, expected) => {
  expect(summaryOf(sql)).toBe(expected);
});

test('an insert keeps its target and settings as they were written', () => {
  expect(classify('-- x\nINSERT INTO t (a) -- y\nSETTINGS b = 1\nFORMAT CSV\n1')).toMatchObject({
    target: 'INSERT INTO t (a) -- y',
    settings: 'SETTINGS b = 1',
    format: 'CSV',
  });
});

test.each([
  ['INSERT INTO t SELECT 1'],
  ['INSERT INTO t (a) SELECT 1 FORMAT Null'],
  ['INSERT INTO t (SELECT 1)'],
  ['INSERT INTO t (a) (WITH 1 AS x SELECT x)'],
  ['INSERT INTO t WITH 1 AS x SELECT x'],
  ['WITH 1 AS x INSERT INTO t SELECT x'],
  ['WITH y AS (SELECT 1 AS a) INSERT INTO t SELECT a FROM y'],
  ["INSERT INTO t SELECT ' VALUES '"],
  ['INSERT INTO t FROM u SELECT a'],
  ['CREATE TABLE t (a Int8) ENGINE = Memory'],
  ['CREATE TABLE t AS SELECT 1'],
  ['ALTER TABLE t ADD COLUMN b Int8'],
  ['DROP TABLE t;'],
  ['TRUNCATE TABLE t'],
  ['OPTIMIZE TABLE t FINAL'],
  ['SYSTEM FLUSH LOGS'],
  ['NONSENSE'],
])('%p writes', (sql) => {
  expect(summaryOf(sql)).toBe('write');
});

test.each([
  ['', 62],
  [' -- only a comment', 62],
  [';', 62],
  ['SELECT 1; SELECT 2', 62],
  ['CREATE TABLE t (a Int8) ENGINE = Memory; DROP TABLE t', 62],
  ['INSERT INTO t SELECT 1; SELECT 2', 62],
  ['INSERT INTO t', 62],
  ['INSERT INTO t FORMAT CSV;\n1', 62],
  ['INSERT INTO t FORMAT CSV ;\n1', 62],
  ["INSERT INTO t SELECT * FROM input('a Int8') FORMAT CSV\n1", 48],
  ["WITH 1 AS x INSERT INTO t SELECT a + x FROM input('a Int8') FORMAT CSV\n1", 48],
  ['SET max_threads = 1', 48],
  ['SET ROLE ALL', 48],
  ['USE db', 48],
  ['BEGIN TRANSACTION', 48],
  ['COMMIT', 48],
  ['ROLLBACK', 48],
  ['KILL QUERY WHERE 1', 48],
  ['CREATE TEMPORARY TABLE t (a Int8)', 48],
  ['CREATE OR REPLACE TEMPORARY TABLE t (a Int8)', 48],
  ['/* */ create -- x\n temporary table t (a Int8)', 48],
])('%p is refused with code %p', (sql, code) => {
  expect(summaryOf(sql)).toBe(`refused ${String(code)}`);
});

test.each([
  ["(1, 'a'), (2, 'b')", false],
  ["(1, 'a');", false],
  ["(1, 'a'); ; -- nothing\n", false],
  ["(1, '; SELECT')", false],
  ["(1, 'a'); SELECT 1", true],
  ["(1, 'a');INSERT INTO t VALUES (2)", true],
])('VALUES%p: a second statement follows is %p', (data, expected) => {
  expect(hasSecondStatement(data)).toBe(expected);
});
