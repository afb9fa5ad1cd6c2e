/**
 * The embedded ClickHouse in a container, reached as the official image is: on port 8123 of every address,
 * with the user and password of CLICKHOUSE_USER and CLICKHOUSE_PASSWORD.
 */
import { createServer, request as call } from 'node:http';
import { pipeline } from 'node:stream';
import { startClickHouse } from '/app/dist/services/development/local/clickhouse/start-clickhouse.js';

const { CLICKHOUSE_USER = 'default', CLICKHOUSE_PASSWORD = '' } = process.env;
const basic = (user, password) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const engine = await startClickHouse({ dataDir: '/var/lib/clickhouse' });

const server = createServer((request, response) => {
  const isPing = request.url === '/ping' || request.url === '/';
  if (!isPing && request.headers.authorization !== basic(CLICKHOUSE_USER, CLICKHOUSE_PASSWORD)) {
    response.writeHead(403, { 'x-clickhouse-exception-code': '516' });
    response.end('Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)');
    return;
  }
  const { hostname, port, host } = new URL(engine.url);
  const authorization = basic(engine.user, engine.password);
  const headers = { ...request.headers, host, authorization };
  const inner = call({ hostname, port, method: request.method, path: request.url, headers });
  inner.once('response', (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    pipeline(answer, response, () => undefined);
  });
  inner.once('error', () => response.destroy());
  pipeline(request, inner, () => undefined);
});
server.requestTimeout = 0;
server.listen(8123, '0.0.0.0');

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    server.closeAllConnections();
    void engine.stop().then(() => process.exit(0));
  });
}
