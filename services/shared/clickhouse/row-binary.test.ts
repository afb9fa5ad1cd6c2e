import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openClickHouse } from './client.ts';
import { rowBinary } from './row-binary.ts';

let server: Server;
let asked: URL;
afterEach(() => server.close());

/** All that a query gives, where the server answers so. */
const read = async (answer: (response: ServerResponse) => void): Promise<Buffer> => {
  server = createServer((request, response) => {
    asked = new URL(request.url ?? '', 'http://localhost');
    request.resume();
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = openClickHouse({
    CLICKHOUSE_URL: `http://127.0.0.1:${String(port)}`,
    CLICKHOUSE_USER: 'default',
    CLICKHOUSE_PASSWORD: '',
    CLICKHOUSE_DATABASE: 'x',
  });
  const parts: Buffer[] = [];
  for await (const part of rowBinary(client, 'SELECT 1', {})) parts.push(part);
  return Buffer.concat(parts);
};

test('gives the bytes of the answer, which the server sends only once it has all of it', async () => {
  const bytes = Buffer.alloc(300_000, 7);
  expect((await read((response) => response.end(bytes))).equals(bytes)).toBe(true);
  expect(asked.searchParams.get('wait_end_of_query')).toBe('1');
});

test('rows that are cut off on their way are never taken for all of them', async () => {
  await expect(
    read((response) => {
      response.writeHead(200);
      response.write(Buffer.alloc(300_000, 7), () => response.destroy());
    }),
  ).rejects.toThrow();
});

test('an error of the server is no row', async () => {
  await expect(
    read((response) => {
      response.writeHead(500, { 'X-ClickHouse-Exception-Code': '241' });
      response.end('Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)');
    }),
  ).rejects.toThrow(/Memory limit exceeded/);
});
