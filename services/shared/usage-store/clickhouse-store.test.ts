import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openClickHouse } from '../clickhouse/client.ts';
import { hour, placeOf } from '../../../test/support/fold/fixtures.ts';
import { ClickHouseStore } from './clickhouse-store.ts';

const row = (n: number): string =>
  JSON.stringify({
    usageHour: 0,
    subscriptionKey: 's',
    meterKey: 'm',
    resourceKey: `r${String(n)}`,
    subscriptionId: 's',
    meterId: 'm',
    resourceUri: 'r',
    location: 'l',
    tags: null,
    additionalInfo: null,
    quantity: '1',
    eventCount: '1',
    firstOffset: '1',
    lastOffset: '1',
  }) + '\n';

let server: Server;
afterEach(() => server.close());

const serve = async (how: 'destroy' | 'exception' | 'old-exception'): Promise<ClickHouseStore> => {
  server = createServer((request, response) => {
    request.resume();
    if (how === 'exception') response.setHeader('X-ClickHouse-Exception-Tag', 'abcdefghijklmnop');
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    for (let n = 0; n < 500; n++) response.write(row(n));
    setTimeout(() => {
      if (how === 'destroy') response.destroy();
      else if (how === 'exception')
        response.end(
          '\r\n__exception__\r\nabcdefghijklmnop\r\nCode: 241. DB::Exception: memory\n32 abcdefghijklmnop\r\n__exception__\r\n',
        );
      else
        response.end('Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)\n');
    }, 100);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return new ClickHouseStore(
    openClickHouse({
      CLICKHOUSE_URL: `http://127.0.0.1:${String(port)}`,
      CLICKHOUSE_USER: 'default',
      CLICKHOUSE_PASSWORD: '',
      CLICKHOUSE_DATABASE: 'x',
    }),
  );
};

test.each(['destroy', 'exception', 'old-exception'] as const)(
  'windows that are cut off on their way (%s) are never taken for all of them',
  async (how) => {
    const store = await serve(how);
    const all = async (): Promise<number> => {
      let count = 0;
      for await (const part of store.windowsInOrder(placeOf(), hour(0))) {
        count += part.length;
      }
      return count;
    };
    await expect(all()).rejects.toThrow();
  },
);
