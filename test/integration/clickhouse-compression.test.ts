import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { request, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { decompressFrameSync } from 'lz4-napi';
import {
  fromBlocks,
  toBlocks,
} from '../../services/development/local/clickhouse/encoding/blocks.ts';
import { clientOptions, loginHeaders } from '../support/clickhouse-login.ts';

/**
 * What other clients send than our own: JDBC asks for ClickHouse's compressed blocks, which were
 * refused, so that no query of it worked; and an error within a result cut it off without its text.
 */
const environment = {
  CLICKHOUSE_URL: process.env['CLICKHOUSE_URL'] ?? '',
  CLICKHOUSE_USER: process.env['CLICKHOUSE_USER'] ?? '',
  CLICKHOUSE_PASSWORD: process.env['CLICKHOUSE_PASSWORD'] ?? '',
};

interface Answer {
  readonly head: IncomingMessage;
  readonly body: Buffer;
  /** Whether the answer ended as HTTP wants it. */
  readonly complete: boolean;
}

const post = (
  body: string | Buffer,
  parameters: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const url = `${environment.CLICKHOUSE_URL}/?${new URLSearchParams(parameters).toString()}`;
    const options = { method: 'POST', headers: { ...loginHeaders(environment), ...headers } };
    const outgoing = request(url, options, (head) => {
      const chunks: Buffer[] = [];
      head.on('data', (chunk: Buffer) => chunks.push(chunk));
      head.on('close', () =>
        resolve({ head, body: Buffer.concat(chunks), complete: head.complete }),
      );
      head.on('error', () => undefined);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });

const unblock = (body: Buffer): Promise<string> =>
  text(Readable.from(fromBlocks(Readable.from([body]))));
const inBlocks = (data: string): Promise<Buffer> =>
  buffer(Readable.from(toBlocks(Readable.from([Buffer.from(data)]))));

const NUMBERS = 'SELECT number FROM numbers(300000)';
const numbers = Array.from({ length: 300_000 }, (_, index) => `${String(index)}\n`).join('');

test.each([
  ['in pieces', { compress: '1' }],
  ['whole', { compress: '1', wait_end_of_query: '1' }],
])('compress=1 gives a result in compressed blocks, %s', async (_, parameters) => {
  const { body, complete } = await post(NUMBERS, parameters);
  expect(complete).toBe(true);
  expect(body.length).toBeLessThan(numbers.length);
  expect(await unblock(body)).toBe(numbers);
});

test('an error before the first row is plain text also with compress=1', async () => {
  const { head, body } = await post('SELECT nope', { compress: '1' });
  expect(head.headers['x-clickhouse-exception-code']).toBe('47');
  expect(String(body)).toMatch(/^Code: 47\. DB::Exception: /);
});

test('decompress=1 takes a statement, and data, in compressed blocks', async () => {
  const database = 'decompress_test';
  await post(`CREATE DATABASE IF NOT EXISTS ${database}`, {});
  await post('CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a', { database });
  const statement = await inBlocks(`INSERT INTO t FORMAT TSV\n${numbers}`);
  const { head } = await post(statement, { decompress: '1', database });
  expect(JSON.parse(String(head.headers['x-clickhouse-summary']))).toMatchObject({
    written_rows: '300000',
  });
  const { body } = await post(await inBlocks('SELECT count(), sum(a) FROM t'), {
    decompress: '1',
    compress: '1',
    database,
  });
  expect(await unblock(body)).toBe('300000\t44999850000\n');
  await post(`DROP DATABASE ${database} SYNC`, {});
});

test('a damaged block in a request is an error, and nothing is stored', async () => {
  const statement = await inBlocks('SELECT 1');
  statement.writeUInt8(statement.readUInt8(30) ^ 1, 30);
  const { head, body } = await post(statement, { decompress: '1' });
  expect([head.headers['x-clickhouse-exception-code'], String(body)]).toEqual([
    '40',
    expect.stringContaining("Checksum doesn't match"),
  ]);
});

const DECODERS: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  lz4: decompressFrameSync,
};

test.each(Object.keys(DECODERS))('a result, and an error, come in %s', async (encoding) => {
  const headers = { 'Accept-Encoding': encoding };
  const decode = DECODERS[encoding] ?? (() => Buffer.alloc(0));
  for (const [sql, expected] of [
    [NUMBERS, numbers],
    [`${NUMBERS} FORMAT JSON`, expect.stringContaining('"rows": 300000')],
    ['SELECT nope', expect.stringMatching(/^Code: 47\. /)],
  ] as const) {
    const { head, body } = await post(sql, { enable_http_compression: '1' }, headers);
    expect(head.headers['content-encoding']).toBe(encoding);
    expect(String(decode(body))).toEqual(expected);
  }
});

test('the driver is told of the rows of a result that comes whole, which it asks for its version', async () => {
  const { head } = await post('SELECT version()', { compress: '1', wait_end_of_query: '1' });
  expect(JSON.parse(String(head.headers['x-clickhouse-summary']))).toMatchObject({
    result_rows: '1',
  });
});

describe('an error after the first rows', () => {
  const FAILING = 'SELECT throwIf(number = 3000000) FROM numbers(4000000)';

  /** As https://clickhouse.com/docs/interfaces/http has it since version 25.11. */
  const expectFramed = (body: string, head: IncomingMessage): void => {
    const tag = String(head.headers['x-clickhouse-exception-tag']);
    expect(tag).toMatch(/^[a-z]{16}$/);
    const frame = body.slice(body.indexOf('\r\n__exception__'));
    const [, opened, message = '', length, closed] =
      /^\r\n__exception__\r\n(\w+)\r\n([^]*\n)(\d+) (\w+)\r\n__exception__\r\n$/.exec(frame) ?? [];
    expect([opened, closed, Number(length)]).toEqual([tag, tag, Buffer.byteLength(message)]);
    expect(message).toMatch(/^Code: 395\. DB::Exception: .*FUNCTION_THROW_IF_VALUE_IS_NON_ZERO/);
  };

  test('comes with its text, and the answer never ends as a whole one does', async () => {
    const plain = await post(FAILING, {});
    expect([plain.head.statusCode, plain.complete]).toEqual([200, false]);
    expectFramed(String(plain.body), plain.head);
  });

  test('the same in compressed blocks', async () => {
    const { head, body, complete } = await post(FAILING, { compress: '1' });
    expect(complete).toBe(false);
    expectFramed(await unblock(body), head);
  });

  test('the same in gzip', async () => {
    const headers = { 'Accept-Encoding': 'gzip' };
    const { head, body, complete } = await post(FAILING, { enable_http_compression: '1' }, headers);
    expect(complete).toBe(false);
    expectFramed(String(gunzipSync(body)), head);
  });

  test("our own client throws the engine's error", async () => {
    const client = createClient({
      ...clientOptions(environment),
      log: { level: ClickHouseLogLevel.OFF },
    });
    const result = await client.query({ query: FAILING, format: 'JSONEachRow' });
    await expect(result.json()).rejects.toMatchObject({
      code: '395',
      type: 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO',
    });
    await client.close();
  });
});
