import { createClient } from '@clickhouse/client';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  startClickHouse,
  type LocalClickHouse,
} from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { clientOptions, loginHeaders } from '../support/clickhouse-login.ts';
import { SLOW_ROW, untilRunning } from '../support/slow-statement.ts';

/** The process of the local ClickHouse: how it starts, stops, dies, and is refused. */
let directory: string;
let dataDir: string;
let server: LocalClickHouse;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'local-clickhouse-process-'));
  dataDir = join(directory, 'da ta');
  server = await startClickHouse({ dataDir });
  await ask('CREATE TABLE t (a UInt32, s String) ENGINE = MergeTree ORDER BY a');
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

const ask = async (sql: string): Promise<string> => {
  const headers = loginHeaders(server.environment);
  const response = await fetch(server.url, { method: 'POST', body: sql, headers });
  const answer = await response.text();
  if (!response.ok) throw new Error(answer);
  return answer;
};

test('it listens on 127.0.0.1 alone', async () => {
  const socket = connect({ host: '127.0.0.2', port: server.port });
  const outcome = await new Promise((resolve) => {
    socket.once('connect', () => resolve('connected'));
    socket.once('error', () => resolve('refused'));
  });
  socket.destroy();
  expect(outcome).toBe('refused');
});

test('a second one on the same directory is refused, with the process to stop', async () => {
  await expect(startClickHouse({ dataDir })).rejects.toThrow(
    `ClickHouse already runs in ${dataDir}, as process ${String(server.pid)}: stop it, or choose another directory.`,
  );
});

test('it is refused too where nothing says who uses the directory', async () => {
  await rm(join(dataDir, 'pid'));
  await expect(startClickHouse({ dataDir })).rejects.toThrow(
    `ClickHouse cannot use the directory ${dataDir}, another process uses it: stop that one, or choose another directory.`,
  );
  expect(await ask('SELECT 1')).toBe('1\n');
});

test('a busy port is named, and nothing is written', async () => {
  const other = join(directory, 'other');
  await expect(startClickHouse({ dataDir: other, port: server.port })).rejects.toThrow(
    `ClickHouse cannot listen on 127.0.0.1:${String(server.port)}, the port is in use: stop what listens there, or set CLICKHOUSE_PORT to another port.`,
  );
  expect(await readdir(directory)).not.toContain('other');
});

test('a directory that cannot be one is explained', async () => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  await expect(startClickHouse({ dataDir: file })).rejects.toThrow(
    `ClickHouse cannot use the directory ${file}, it is a file: choose another directory.`,
  );
  await expect(startClickHouse({ dataDir: join(file, 'a') })).rejects.toThrow(
    /a part of its path is a file: choose another directory\.$/,
  );
});

test('stopping lets running statements finish, streams too, and the data are there again', async () => {
  const client = createClient(clientOptions(server.environment));
  const result = await client.query({
    query: `SELECT number FROM numbers(1000000)`,
    format: 'JSONCompactEachRow',
  });
  const insert = ask(`INSERT INTO t SELECT a, 'stop' FROM ${SLOW_ROW}`);
  await untilRunning(ask, 'INSERT INTO t SELECT');
  const stopped = server.stop();
  await insert;
  expect(await result.json()).toHaveLength(1_000_000);
  await stopped;
  expect(await server.exited).toEqual({ code: 0, signal: null });
  await client.close();
  await expect(fetch(server.url)).rejects.toThrow();

  server = await startClickHouse({ dataDir });
  expect(await ask("SELECT a FROM t WHERE s = 'stop'")).toBe('1\n');
});

test('a request that failed in the middle of its body does not hold up the stop', async () => {
  // Good for a while; then a second gzip member that is none.
  const good = gzipSync(`INSERT INTO t FORMAT CSV\n${'1,a\n'.repeat(1_000_000)}`);
  const body = Buffer.concat([good, good.subarray(0, 10), Buffer.alloc(20_000_000, 0xff)]);
  const headers = { ...loginHeaders(server.environment), 'Content-Encoding': 'gzip' };
  const response = await fetch(server.url, { method: 'POST', body, headers });
  expect(response.headers.get('X-ClickHouse-Exception-Code')).toBe('271');
  await response.text();
  await server.stop();
  expect(await server.exited).toEqual({ code: 0, signal: null });
  server = await startClickHouse({ dataDir });
});

test('SIGKILL among inserts loses none that was acknowledged, and doubles none', async () => {
  const acknowledged: number[] = [];
  const enough = 30;
  const insertUntilKilled = async (worker: number): Promise<void> => {
    for (let a = worker; ; a += 4) {
      try {
        await ask(`INSERT INTO t FORMAT CSV\n${String(a)},kill`);
      } catch {
        return;
      }
      acknowledged.push(a);
      if (acknowledged.length === enough) void server.kill();
    }
  };
  await Promise.all([0, 1, 2, 3].map(insertUntilKilled));
  expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' });

  server = await startClickHouse({ dataDir });
  const stored = (await ask("SELECT a FROM t WHERE s = 'kill'")).trim().split('\n').map(Number);
  expect(stored).toEqual(expect.arrayContaining(acknowledged));
  expect(new Set(stored).size).toBe(stored.length);
});
