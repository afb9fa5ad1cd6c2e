import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { refuseForeign, type ListenerRules } from '../../../shared/http/foreign-request.ts';
import { authenticate, givenLogin, type Login } from './authentication.ts';
import type { Engine } from './engine.ts';
import { ClickHouseException, CODES } from './exception.ts';
import { answerQuery } from './query-handler.ts';
import { parseRequest } from './request.ts';
import { announceEncoding, sendAnswer, sendError } from './send-answer.ts';

/** No web page may call this, not even by a link: a GET runs a query. */
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
  announceEncoding(response, parsed);
  response.setHeader('X-ClickHouse-Query-Id', parsed.queryId ?? randomUUID());
  const encoding = (request.headers['content-encoding'] ?? '').trim().toLowerCase();
  const answer = await answerQuery(engine, parsed, request, encoding);
  await sendAnswer(response, answer, parsed, { startedAt, version: engine.version });
};

/** Reads the rest of a request. Otherwise its connection could not be reused or closed. */
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
    await sendError(response, error, engine.version);
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
