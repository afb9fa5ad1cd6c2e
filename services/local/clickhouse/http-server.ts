import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { refuseForeign, type ListenerRules } from '../../shared/http/foreign-request.ts';
import { authenticate, givenLogin, type Login } from './authentication.ts';
import type { Engine } from './engine.ts';
import { asException, ClickHouseException, CODES, exceptionText, httpStatus } from './exception.ts';
import { contentType } from './formats.ts';
import { answerQuery, type Answer, type Summary } from './query-handler.ts';
import { parseRequest } from './request.ts';

const summaryHeader = (summary: Summary, startedAt: bigint): string =>
  JSON.stringify({
    read_rows: String(summary.readRows),
    read_bytes: String(summary.readBytes),
    written_rows: String(summary.writtenRows),
    written_bytes: '0',
    total_rows_to_read: '0',
    result_rows: String(summary.writtenRows),
    result_bytes: '0',
    elapsed_ns: String(process.hrtime.bigint() - startedAt),
  });

async function* joined(
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array, void>,
): AsyncGenerator<Uint8Array, void> {
  yield first;
  for (let item = await rest.next(); item.done !== true; item = await rest.next()) yield item.value;
}

/** Sends a result; the first piece is awaited before the head, so that its error has a status. */
const send = async (
  response: ServerResponse,
  answer: Answer,
  gzip: boolean,
  startedAt: bigint,
): Promise<void> => {
  response.setHeader('Content-Type', contentType(answer.format));
  response.setHeader('X-ClickHouse-Format', answer.format);
  if (answer.kind === 'whole') {
    response.setHeader('X-ClickHouse-Summary', summaryHeader(answer.summary, startedAt));
  }
  const compressors = gzip ? [createGzip({ level: 1 })] : [];
  if (gzip) response.setHeader('Content-Encoding', 'gzip');
  if (answer.kind === 'whole') {
    if (!gzip) response.setHeader('Content-Length', answer.bytes.length);
    await pipeline([Readable.from([answer.bytes]), ...compressors, response]);
    return;
  }
  try {
    const first = await answer.chunks.next();
    const chunks = first.done === true ? [] : joined(first.value, answer.chunks);
    await pipeline([Readable.from(chunks), ...compressors, response]);
  } finally {
    await answer.chunks.return();
  }
};

const sendError = (response: ServerResponse, thrown: unknown, version: string): void => {
  const exception = asException(thrown);
  if (response.headersSent || response.destroyed) {
    // Half a result must not look like a whole one: the client sees the connection break.
    console.error(exceptionText(exception, version));
    response.destroy();
    return;
  }
  for (const name of ['Content-Length', 'Content-Encoding']) response.removeHeader(name);
  response.statusCode = httpStatus(exception.code);
  response.setHeader('X-ClickHouse-Exception-Code', exception.code);
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  response.end(exceptionText(exception, version));
};

/** No web page has any business here, not even by a link: a GET runs a query. */
const RULES: ListenerRules = {
  listenHost: '127.0.0.1',
  allowedHosts: [],
  linksFromElsewhere: false,
};

const handleQuery = async (
  engine: Engine,
  login: Login,
  request: IncomingMessage,
  response: ServerResponse,
  search: URLSearchParams,
): Promise<void> => {
  const startedAt = process.hrtime.bigint();
  const method = request.method ?? 'GET';
  authenticate(givenLogin(search, request.headers), login);
  if (/^multipart\//i.test(request.headers['content-type'] ?? '')) {
    throw new ClickHouseException(
      CODES.NOT_IMPLEMENTED,
      'The local ClickHouse does not support external tables (multipart/form-data).',
    );
  }
  const parsed = parseRequest(method, search, request.headers);
  response.setHeader('X-ClickHouse-Query-Id', parsed.queryId ?? randomUUID());
  const encoding = (request.headers['content-encoding'] ?? '').trim().toLowerCase();
  const answer = await answerQuery(engine, parsed, request, encoding);
  await send(response, answer, parsed.gzipResponse, startedAt);
};

/** Reads what nobody wants of a request: its connection could not be used, or closed, otherwise. */
const drain = (request: IncomingMessage): void => {
  request.unpipe();
  request.removeAllListeners('readable');
  request.resume();
};

const handle = async (
  engine: Engine,
  login: Login,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { method = 'GET', url: target = '/' } = request;
  const foreign = refuseForeign(request, RULES);
  if (foreign !== null) {
    response.statusCode = foreign.status;
    response.end(`${foreign.message}\n`);
    drain(request);
    return;
  }
  response.setHeader('X-ClickHouse-Server-Display-Name', 'local');
  response.setHeader('X-ClickHouse-Timezone', 'UTC');
  const isRead = method === 'GET' || method === 'HEAD';
  if (isRead && (target === '/' || target === '/ping')) {
    response.setHeader('Content-Type', 'text/html; charset=UTF-8');
    response.end('Ok.\n');
    return;
  }
  const isQuery = target === '/' || target.startsWith('/?');
  if (!isQuery || !(isRead || method === 'POST')) {
    response.statusCode = isQuery ? 405 : 404;
    response.end(`There is no ${method} ${target}. Send queries to "/", by GET or POST.\n`);
    return;
  }
  try {
    await handleQuery(engine, login, request, response, new URLSearchParams(target.slice(2)));
  } catch (error) {
    sendError(response, error, engine.version);
  } finally {
    drain(request);
  }
};

/** The ClickHouse HTTP interface before an engine: https://clickhouse.com/docs/interfaces/http */
export const httpServer = (engine: Engine, login: Login): Server => {
  const server = createServer((request, response) => {
    // Once the server closes, no connection is kept for a next request.
    if (!server.listening) response.setHeader('Connection', 'close');
    response.once('close', () => {
      if (!server.listening) setImmediate(() => server.closeIdleConnections());
    });
    handle(engine, login, request, response).catch((error: unknown) => {
      console.error(error);
      response.destroy();
    });
  });
  server.requestTimeout = 0;
  server.keepAliveTimeout = 30_000;
  return server;
};
