import { createServer, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { UserError } from '../../shared/process/errors.ts';
import { withClickHouse } from './source-tools.ts';

let server: Server;
let requests: number;
let atStatement: (request: IncomingMessage) => void;

/** Answers whether it is there, and then nothing more. */
beforeEach(async () => {
  requests = 0;
  atStatement = () => undefined;
  server = createServer((request, response) => {
    request.resume();
    if (requests++ === 0) response.end('1\n');
    else atStatement(request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const run = (statementMillis?: number): Promise<unknown> =>
  withClickHouse(
    {
      CLICKHOUSE_URL: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
      CLICKHOUSE_USER: 'default',
      CLICKHOUSE_PASSWORD: '',
      CLICKHOUSE_DATABASE: 'usage',
    },
    (client) => queryRows(client, 'SELECT sleep(3)'),
    statementMillis,
  );

test('statement-without-end: a statement that takes too long is no defect, and the message says what to do', async () => {
  const failed = run(50);
  await expect(failed).rejects.toThrow(UserError);
  await expect(failed).rejects.toThrow(/has not answered a statement within 0.05 s: try again/);
});

test('a connection that breaks is told as what it is', async () => {
  atStatement = (request) => request.socket.destroy();
  await expect(run()).rejects.toThrow('socket hang up');
});
