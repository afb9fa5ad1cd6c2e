import {
  ClickHouseLogLevel,
  createClient,
  type ClickHouseClient,
  type ClickHouseError,
} from '@clickhouse/client';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { brotliCompressSync, deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import avro from 'avsc';
import {
  startClickHouse,
  type LocalClickHouse,
} from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { clientOptions, loginHeaders } from '../support/clickhouse-login.ts';
import { SLOW_ROW, untilRunning } from '../support/slow-statement.ts';

/** The HTTP interface of the local ClickHouse, as a client meets it. */
let directory: string;
let server: LocalClickHouse;
let client: ClickHouseClient;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'local-clickhouse-'));
  server = await startClickHouse({ dataDir: join(directory, 'data') });
  client = createClient({
    ...clientOptions(server.environment),
    log: { level: ClickHouseLogLevel.OFF },
  });
});
afterAll(async () => {
  await client.close();
  await server.stop();
  await rm(directory, { recursive: true });
});

let tables = 0;
/** Makes a table of its own for a test. */
const createTable = async (columns = 'a UInt32, s String'): Promise<string> => {
  tables += 1;
  const name = `t${String(tables)}`;
  await client.command({
    query: `CREATE TABLE ${name} (${columns}) ENGINE = MergeTree ORDER BY a`,
  });
  return name;
};

const urlOf = (parameters: Readonly<Record<string, string>>): string =>
  `${server.url}/?${new URLSearchParams(parameters).toString()}`;

const post = (
  body: string | Uint8Array,
  parameters: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> =>
  fetch(urlOf(parameters), {
    method: 'POST',
    body,
    headers: { ...loginHeaders(server.environment), ...headers },
  });

const ask = async (sql: string, parameters = {}): Promise<string> => {
  const response = await post(sql, parameters);
  const answer = await response.text();
  if (!response.ok) throw new Error(answer);
  return answer;
};

/** By GET. */
const get = (query: string): Promise<Response> =>
  fetch(urlOf({ query }), { headers: loginHeaders(server.environment) });

const count = (table: string): Promise<string> => ask(`SELECT count() FROM ${table}`);

const errorCode = async (response: Response): Promise<string> => {
  expect(response.ok).toBe(false);
  expect(await response.text()).toMatch(
    /^Code: \d+\. DB::Exception: .*\([A-Z0-9_]+\) \(version 2/s,
  );
  return response.headers.get('X-ClickHouse-Exception-Code') ?? '';
};

describe('requests', () => {
  test('GET /ping and GET / answer Ok.', async () => {
    expect(await (await fetch(`${server.url}/ping`)).text()).toBe('Ok.\n');
    expect(await (await fetch(server.url)).text()).toBe('Ok.\n');
    expect(await client.ping()).toEqual({ success: true });
    expect(await client.ping({ select: true })).toEqual({ success: true });
  });

  test('the query stands in the URL, in the body, or in both', async () => {
    expect(await (await get('SELECT 1')).text()).toBe('1\n');
    expect(await ask('SELECT 2')).toBe('2\n');
    expect(await ask('+ 1', { query: 'SELECT 2' })).toBe('3\n');
  });

  test('FORMAT wins over default_format, which wins over TabSeparated', async () => {
    expect(await ask('SELECT 1 AS a', { default_format: 'JSONEachRow' })).toBe('{"a":1}\n');
    const response = await post('SELECT 1 AS a FORMAT CSV', { default_format: 'JSONEachRow' });
    expect(response.headers.get('X-ClickHouse-Format')).toBe('CSV');
    expect(response.headers.get('Content-Type')).toBe('text/csv; charset=UTF-8');
    expect(await response.text()).toBe('1\n');
  });

  test.each(['SHOW DATABASES', 'EXPLAIN SELECT 1', 'DESCRIBE system.one', 'EXISTS system.one'])(
    '%s answers in the default format too',
    async (sql) => {
      expect(await ask(sql)).not.toBe('');
    },
  );

  test('database chooses the database', async () => {
    await ask('CREATE DATABASE other');
    expect(await ask('SELECT currentDatabase()', { database: 'other' })).toBe('other\n');
    expect(await ask('SELECT currentDatabase()')).toBe('default\n');
    expect(await errorCode(await post('SELECT 1', { database: 'nowhere' }))).toBe('81');
  });

  test('settings hold for their request only, and unknown ones are errors', async () => {
    const sql = "SELECT getSetting('max_threads')";
    expect(await ask(sql, { max_threads: '3' })).toBe('3\n');
    expect(await ask(sql)).not.toBe('3\n');
    expect(await errorCode(await post('SELECT 1', { no_such_setting: '1' }))).toBe('115');
  });

  test('query_id comes back, and one is made where there is none', async () => {
    const given = await post('SELECT 1', { query_id: 'mine' });
    expect(given.headers.get('X-ClickHouse-Query-Id')).toBe('mine');
    expect((await post('SELECT 1')).headers.get('X-ClickHouse-Query-Id')).toMatch(
      /^[-0-9a-f]{36}$/,
    );
    expect((await client.query({ query: 'SELECT 1', query_id: 'its' })).query_id).toBe('its');
  });

  test.each([
    ["it's", 'a quote'],
    ['line\nbreak\ttab\r', 'control characters'],
    ['back\\slash \\n \\', 'backslashes'],
    ["'; DROP TABLE t; --", 'SQL'],
    ['{x:String} ÄÖ 😀', 'braces and Unicode'],
    ['', 'nothing'],
  ])('a parameter is bound as it is: %p, %s', async (value) => {
    const result = await client.query({
      query: 'SELECT {x:String} AS x, [{x:String}] = {list:Array(String)} AS same',
      query_params: { x: value, list: [value] },
      format: 'JSONEachRow',
    });
    expect(await result.json()).toEqual(
      [{ x: value, same: true }].map((row) => ({ ...row, same: 1 })),
    );
  });

  test('param_ in the URL is escaped as in TabSeparated', async () => {
    expect(
      await ask("SELECT {x:String} = 'a\\tb', {n:UInt8} + 1", { param_x: 'a\\tb', param_n: '1' }),
    ).toBe('1\t2\n');
  });

  test('unknown paths and methods are errors', async () => {
    expect((await fetch(`${server.url}/play`)).status).toBe(404);
    expect((await fetch(server.url, { method: 'DELETE' })).status).toBe(405);
  });
});

describe('errors', () => {
  test('an unknown table is code 60, for curl and for the client', async () => {
    const response = await post('SELECT * FROM nowhere');
    expect(response.status).toBe(404);
    expect(await errorCode(response)).toBe('60');
    await expect(client.query({ query: 'SELECT * FROM nowhere' })).rejects.toMatchObject({
      code: '60',
      type: 'UNKNOWN_TABLE',
    } satisfies Partial<ClickHouseError>);
  });

  test('an error after the first rows breaks the connection off', async () => {
    const sql = 'SELECT throwIf(number = 3000000) FROM numbers(4000000)';
    for (const parameters of [{}, { enable_http_compression: '1' }]) {
      await expect(post(sql, parameters).then((response) => response.text())).rejects.toThrow();
    }
  });

  test('with wait_end_of_query the same error has its code', async () => {
    const sql = 'SELECT throwIf(number = 3000000) FROM numbers(4000000)';
    expect(await errorCode(await post(sql, { wait_end_of_query: '1' }))).toBe('395');
  });

  test('GET writes nothing', async () => {
    const table = await createTable();
    for (const query of [`INSERT INTO ${table} VALUES (1, 'a')`, `DROP TABLE ${table}`]) {
      expect(await errorCode(await get(query))).toBe('164');
    }
    expect(await count(table)).toBe('0\n');
  });
});

describe('results', () => {
  test('a large result comes whole and in order', async () => {
    const rows = 2_000_000;
    const response = await post(`SELECT number FROM numbers(${String(rows)}) FORMAT RowBinary`);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes).toHaveLength(rows * 8);
    for (let at = 0; at < rows; at += 9973) {
      if (bytes.readBigUInt64LE(at * 8) !== BigInt(at)) throw new Error(`row ${String(at)}`);
    }
  });

  test('totals and arrays, which span the pieces of a result, come whole', async () => {
    const sql =
      'SELECT number, count() FROM numbers(200000) GROUP BY number WITH TOTALS ORDER BY number';
    expect((await ask(sql)).endsWith('199999\t1\n\n0\t200000\n')).toBe(true);
    const array = await ask('SELECT number FROM numbers(200000) FORMAT JSONEachRow', {
      output_format_json_array_of_rows: '1',
    });
    expect(JSON.parse(array)).toHaveLength(200_000);
  });

  test('a result is compressed where the client takes that, and not where it does not', async () => {
    const sql = 'SELECT number FROM numbers(100000)';
    const plain = await ask(sql);
    const getZipped = (
      headers: Record<string, string>,
    ): Promise<{ encoding: string; body: Buffer }> =>
      new Promise((resolve, reject) => {
        const url = urlOf({ query: sql, enable_http_compression: '1' });
        request(
          url,
          { headers: { ...loginHeaders(server.environment), ...headers } },
          (response) => {
            const chunks: Buffer[] = [];
            response.on('data', (chunk: Buffer) => chunks.push(chunk));
            response.on('end', () =>
              resolve({
                encoding: response.headers['content-encoding'] ?? '',
                body: Buffer.concat(chunks),
              }),
            );
          },
        )
          .on('error', reject)
          .end();
      });
    const zipped = await getZipped({ 'accept-encoding': 'br, gzip' });
    expect(zipped.encoding).toBe('gzip');
    expect(gunzipSync(zipped.body).toString()).toBe(plain);
    const unzipped = await getZipped({});
    expect(unzipped.encoding).toBe('');
    expect(unzipped.body.toString()).toBe(plain);
  });

  test('the client reads and writes compressed', async () => {
    const table = await createTable();
    const zipping = createClient({
      ...clientOptions(server.environment),
      compression: { request: true, response: true },
    });
    const rows = Array.from({ length: 10_000 }, (_, a) => ({ a, s: `row ${String(a)}` }));
    await zipping.insert({ table, values: rows, format: 'JSONEachRow' });
    const result = await zipping.query({
      query: `SELECT * FROM ${table} ORDER BY a`,
      format: 'JSONEachRow',
    });
    expect(await result.json()).toEqual(rows);
    await zipping.close();
  });
});

describe('inserts', () => {
  const written = (response: Response): string => {
    const summary = response.headers.get('X-ClickHouse-Summary') ?? '{}';
    return (JSON.parse(summary) as { written_rows: string }).written_rows;
  };

  test('rows, tell how many they were, and are there', async () => {
    const table = await createTable();
    const { summary } = await client.insert({
      table,
      values: [
        { a: 1, s: "it's\n" },
        { a: 2, s: '' },
      ],
      format: 'JSONEachRow',
    });
    expect(summary?.written_rows).toBe('2');
    expect(await ask(`SELECT * FROM ${table} ORDER BY a FORMAT JSONCompactEachRow`)).toBe(
      '[1, "it\'s\\n"]\n[2, ""]\n',
    );
  });

  test.each([
    [
      'VALUES with expressions and a parameter',
      "VALUES (1 + 1, upper('a')), ({n:UInt32}, 'b');",
      '2\tA\n7\tb\n',
    ],
    ['a comment behind the target', "-- to be sure\nVALUES (1, 'a')", '1\ta\n'],
    ['columns in another order', "(s, a) VALUES ('a', 1)", '1\ta\n'],
    ['settings', 'SETTINGS input_format_csv_empty_as_default = 1 FORMAT CSV\n,a', '0\ta\n'],
    ['data on the line of FORMAT', 'FORMAT JSONEachRow {"a":1,"s":"x; SELECT"}', '1\tx; SELECT\n'],
    ['a query', "SELECT number, 'q' FROM numbers(2)", '0\tq\n1\tq\n'],
    ['a query with WITH', "WITH 5 AS x SELECT x, 'q'", '5\tq\n'],
  ])('%s', async (_, rest, expected) => {
    const table = await createTable();
    await ask(`INSERT INTO ${table} ${rest}`, { param_n: '7' });
    expect(await ask(`SELECT * FROM ${table} ORDER BY a`)).toBe(expected);
  });

  test('WITH before INSERT inserts', async () => {
    const table = await createTable();
    await ask(`WITH y AS (SELECT 9 AS a) INSERT INTO ${table} SELECT a, 'cte' FROM y`);
    expect(await ask(`SELECT * FROM ${table}`)).toBe('9\tcte\n');
  });

  test('the statement in the URL and the data in the body', async () => {
    const table = await createTable();
    const response = await post('1,a\n2,b\n', { query: `INSERT INTO ${table} FORMAT CSV` });
    expect(written(response)).toBe('2');
    expect(await count(table)).toBe('2\n');
  });

  test('RowBinary, with every byte in it, more than one piece long', async () => {
    const table = await createTable();
    const every = Buffer.from(Array.from({ length: 127 }, (_, byte) => byte));
    const row = (a: number): Buffer => {
      const head = Buffer.alloc(5);
      head.writeUInt32LE(a);
      head.writeUInt8(every.length, 4);
      return Buffer.concat([head, every]);
    };
    const rows = 50_000;
    const result = await client.exec({
      query: `INSERT INTO ${table} FORMAT RowBinary`,
      values: Readable.from(
        Array.from({ length: rows }, (_, a) => row(a)),
        { objectMode: false },
      ),
    });
    await text(result.stream);
    expect(result.summary?.written_rows).toBe(String(rows));
    const sql = `SELECT count(), uniqExact(a), uniqExact(s), hex(any(s)) FROM ${table}`;
    const hex = every.toString('hex').toUpperCase();
    expect(await ask(sql)).toBe(`${String(rows)}\t${String(rows)}\t1\t${hex}\n`);
  });

  test('Avro', async () => {
    const table = await createTable();
    const encoder = new avro.streams.BlockEncoder({
      type: 'record',
      name: 'Row',
      fields: [
        { name: 'a', type: 'int' },
        { name: 's', type: 'string' },
      ],
    });
    for (const a of [1, 2, 3]) encoder.write({ a, s: `"${String(a)}'` });
    encoder.end();
    const result = await client.exec({
      query: `INSERT INTO ${table} FORMAT Avro`,
      values: encoder,
    });
    await text(result.stream);
    expect(result.summary?.written_rows).toBe('3');
    expect(await ask(`SELECT * FROM ${table} ORDER BY a FORMAT CSV`)).toBe(
      '1,"""1\'"\n2,"""2\'"\n3,"""3\'"\n',
    );
  });

  // Made with `printf 'SELECT 42' | zstd | base64`, and so on.
  test.each([
    ['gzip', gzipSync('SELECT 42')],
    ['deflate', deflateSync('SELECT 42')],
    ['br', brotliCompressSync('SELECT 42')],
    ['zstd', Buffer.from('KLUv/QRYSQAAU0VMRUNUIDQy4DhFAQ==', 'base64')],
    ['lz4', Buffer.from('BCJNGGRApwkAAIBTRUxFQ1QgNDIAAAAAVwdbJw==', 'base64')],
    [
      'xz',
      Buffer.from(
        '/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAIU0VMRUNUIDQyAAAAAGwnvaHbG8ZdAAEhCWwYxdUftvN9AQAAAAAEWVo=',
        'base64',
      ),
    ],
  ])('a body in %s is read, with the SQL inside', async (encoding, body) => {
    const response = await post(body, {}, { 'Content-Encoding': encoding });
    expect(await response.text()).toBe('42\n');
  });

  test.each([
    ['an encoding that nobody knows', 'rot13', Buffer.from('SELECT 1'), '89'],
    ['gzip that is none', 'gzip', Buffer.from('SELECT 1'), '271'],
    ['gzip that is cut short', 'gzip', gzipSync('SELECT 1').subarray(0, -4), '271'],
    ['lz4 that is none', 'lz4', Buffer.from('SELECT 1'), '618'],
  ])('%s is an error', async (_, encoding, body, code) => {
    expect(await errorCode(await post(body, {}, { 'Content-Encoding': encoding }))).toBe(code);
  });

  // ClickHouse makes blocks of 1,048,449 rows of its own accord, and would have stored two by then.
  test.each([
    ['JSONEachRow', 100_000, '{"a":%}\n', '{bad'],
    ['CSV', 3_200_000, '%,x\n', 'oops,x\n'],
    ['Values', 100_000, "(%,'x'),", '(oops'],
  ])('%s with %i rows and a bad one inserts none', async (format, size, row, bad) => {
    const table = await createTable();
    const rows = Array.from({ length: size }, (_, a) => row.replace('%', String(a))).join('');
    const response = await post(`INSERT INTO ${table} FORMAT ${format}\n${rows}${bad}`);
    expect(['26', '27', '62']).toContain(await errorCode(response));
    expect(await count(table)).toBe('0\n');
  });

  test('a request that breaks off inserts nothing', async () => {
    const table = await createTable();
    const upload = request(urlOf({ query: `INSERT INTO ${table} FORMAT CSV` }), {
      method: 'POST',
      headers: loginHeaders(server.environment),
    });
    const failed = once(upload, 'error');
    upload.write('1,a\n'.repeat(100_000), () => upload.destroy(new Error('cut off')));
    await failed;
    // Writes go one after another: when this is done, that one would be too.
    await ask(`INSERT INTO ${table} VALUES (7, 'last')`);
    expect(await ask(`SELECT * FROM ${table}`)).toBe('7\tlast\n');
  });

  test('async_insert changes nothing: acknowledged is stored', async () => {
    const table = await createTable();
    const parameters = { async_insert: '1', wait_for_async_insert: '0' };
    await ask(`INSERT INTO ${table} FORMAT CSV\n1,a`, parameters);
    await ask(`INSERT INTO ${table} VALUES (2, 'b')`, parameters);
    expect(await count(table)).toBe('2\n');
  });
});

describe('what cannot be honoured is refused', () => {
  test.each([
    ['SET max_threads = 1', '48'],
    ['USE system', '48'],
    ['BEGIN TRANSACTION', '48'],
    ['KILL QUERY WHERE 1', '48'],
    ['CREATE TEMPORARY TABLE x (a Int8)', '48'],
    ["INSERT INTO t SELECT * FROM input('a Int8') FORMAT CSV\n1", '48'],
    ['SELECT 1; SELECT 2', '62'],
    ["INSERT INTO t VALUES (1, 'a'); SELECT 1", '62'],
    ['', '62'],
  ])('%p with code %s, in a session or not', async (sql, code) => {
    expect(await errorCode(await post(sql))).toBe(code);
    expect(await errorCode(await post(sql, { session_id: 's' }))).toBe(code);
  });

  test('a second statement behind long VALUES, and stores nothing', async () => {
    const table = await createTable();
    const values = "(1, 'some text'),".repeat(150_000);
    const sql = `INSERT INTO ${table} VALUES ${values}(2, 'x'); INSERT INTO ${table} VALUES (3, 'y')`;
    expect(await errorCode(await post(sql))).toBe('62');
    expect(await count(table)).toBe('0\n');
  });

  test.each(['profile', 'role'])('the parameter %s', async (name) => {
    expect(await errorCode(await post('SELECT 1', { [name]: '1' }))).toBe('48');
  });

  test('external tables', async () => {
    const form = new FormData();
    form.append('x', new Blob(['1']));
    const response = await fetch(urlOf({ query: 'SELECT 1' }), {
      method: 'POST',
      body: form,
      headers: loginHeaders(server.environment),
    });
    expect(await errorCode(response)).toBe('48');
  });

  test('but a session id is tolerated', async () => {
    expect(await ask('SELECT 1', { session_id: 's', session_timeout: '60' })).toBe('1\n');
  });
});

describe('side by side', () => {
  test('readers run at the same time', async () => {
    // Each goes on for as long as nobody takes what it reads, far more than a socket holds.
    const readers = await Promise.all(
      [1, 2, 3, 4].map(() => post("SELECT repeat('x', 1000) FROM numbers(10000000)")),
    );
    expect(await ask('SELECT 1')).toBe('1\n');
    expect(readers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    await Promise.all(readers.map(async ({ body }) => body?.cancel()));
    // More readers than there is place for: those before have left theirs.
    expect(await Promise.all(Array.from({ length: 20 }, () => ask('SELECT 1')))).toHaveLength(20);
  });

  test('readers do not wait for a writer', async () => {
    const table = await createTable();
    await ask(`INSERT INTO ${table} VALUES (5, 'before')`);
    const writer = ask(`INSERT INTO ${table} SELECT * FROM ${SLOW_ROW}`);
    await untilRunning(ask, `INSERT INTO ${table} SELECT`);
    expect(await ask(`SELECT * FROM ${table}`)).toBe('5\tbefore\n');
    await writer;
    expect(await ask(`SELECT * FROM ${table} ORDER BY a`)).toBe('1\ta\n5\tbefore\n');
  });

  test('a slow upload does not hold up other writers', async () => {
    const table = await createTable();
    const upload = request(urlOf({ query: `INSERT INTO ${table} FORMAT CSV` }), {
      method: 'POST',
      headers: loginHeaders(server.environment),
    });
    const answered = once(upload, 'response');
    await new Promise((resolve) => upload.write('1,slow\n', resolve));
    await ask(`INSERT INTO ${table} VALUES (2, 'fast')`);
    expect(await count(table)).toBe('1\n');
    upload.end();
    await answered;
    expect(await count(table)).toBe('2\n');
  });

  test('many clients at once, writing and reading, lose nothing', async () => {
    const table = await createTable();
    await Promise.all(
      Array.from({ length: 40 }, async (_, a) => {
        await client.insert({ table, values: [{ a, s: 'x' }], format: 'JSONEachRow' });
        const sql = `SELECT count() FROM ${table} WHERE a = {a:UInt32}`;
        expect(await ask(sql, { param_a: String(a) })).toBe('1\n');
      }),
    );
    expect(await count(table)).toBe('40\n');
  });
});
