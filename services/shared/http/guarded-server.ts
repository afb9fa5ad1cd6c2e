import {
  fastify,
  type FastifyHttpOptions,
  type FastifyInstance,
  type RawServerDefault,
  type RouteShorthandOptions,
} from 'fastify';
import type { IncomingMessage } from 'node:http';
import { refuseForeign, type ListenerRules } from './foreign-request.ts';
import { readParameters, searchOf, type ParameterRules } from './query-parameters.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import type { Tls } from './tls.ts';

/** The time limits of a connection, in milliseconds. */
export interface ConnectionLimits {
  /** The head of a request. */
  readonly headMillis: number;
  /** All of a request; its answer may take longer. */
  readonly requestMillis: number;
  /** For the time in which nothing moves in either direction while an answer is awaited or read. */
  readonly idleMillis: number;
  /** How often the first two limits are checked. */
  readonly checkMillis: number;
}

const LIMITS: ConnectionLimits = {
  headMillis: 10_000,
  requestMillis: 30_000,
  idleMillis: 120_000,
  checkMillis: 5_000,
};

/** More than the programs and browsers of one machine need. Further connections are closed at once. */
const MAX_CONNECTIONS = 1_000;

/** 25 usage events with the longest texts fit several times over. */
const MAX_BODY_BYTES = 1024 * 1024;

/** Why a request is refused before it is processed. The message is for the caller. */
export class RefusedRequest extends Error {
  override readonly name = 'RefusedRequest';
  readonly statusCode: number;

  constructor({ status, message }: { readonly status: number; readonly message: string }) {
    super(message);
    this.statusCode = status;
  }
}

export type ServerOptions = Partial<FastifyHttpOptions<RawServerDefault>> & {
  /** Null or missing for plain HTTP. */
  readonly tls?: Tls | null;
  /** Paths that take a form instead of JSON. A page of another origin cannot send one there: its `Origin` is refused. */
  readonly formPaths?: RegExp;
};

const SAFE_TLS = { minVersion: 'TLSv1.2' } as const;

/**
 * A server that accepts only requests that pass `refuseForeign`, and bodies only as JSON, which no web page
 * can send to another origin without a preflight; `formPaths` are the exception. Other requests reach the server's error handler as
 * `RefusedRequest`. Answers have the security headers, and no slow or huge request keeps the server busy.
 * All listeners are made here, except the local ClickHouse's.
 */
export const guardedServer = (
  rules: ListenerRules,
  { tls, formPaths, ...options }: ServerOptions = {},
  { headMillis, requestMillis, idleMillis, checkMillis }: ConnectionLimits = LIMITS,
): FastifyInstance => {
  const limits = {
    headersTimeout: headMillis,
    connectionsCheckingInterval: checkMillis,
    ...(tls && { handshakeTimeout: headMillis }),
  };
  const server = fastify({
    ...options,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: requestMillis,
    connectionTimeout: idleMillis,
    ...(tls ? { https: { ...SAFE_TLS, ...tls, ...limits } } : { http: limits }),
    // The types know the server of either kind, but not one of both.
  } as FastifyHttpOptions<RawServerDefault>);
  server.server.maxConnections = MAX_CONNECTIONS;
  server.addHook('onRequest', (request, reply, done) => {
    void reply.headers(SECURITY_HEADERS);
    const refusal = refuseForeign(request.raw, rules) ?? refuseBody(request.raw, formPaths);
    if (refusal === null) done();
    else done(new RefusedRequest(refusal));
  });
  return server;
};

const JSON_TYPE = /^application\/json *(?:;|$)/i;
const FORM_TYPE = /^application\/x-www-form-urlencoded *(?:;|$)/i;

const refuseBody = (
  { headers, url = '' }: IncomingMessage,
  formPaths: RegExp | undefined,
): { status: number; message: string } | null => {
  const takesForm = formPaths?.test(url.split('?', 1)[0] ?? '') === true;
  const [type, name] = takesForm
    ? [FORM_TYPE, 'application/x-www-form-urlencoded']
    : [JSON_TYPE, 'application/json'];
  const hasBody =
    headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
  return !hasBody || type.test(headers['content-type'] ?? '')
    ? null
    : { status: 415, message: `The Content-Type of a body must be ${name}.` };
};

/** Options for a route: a request with other query parameters is a `RefusedRequest`. */
export const takesParameters = (rules: ParameterRules): RouteShorthandOptions => ({
  onRequest: (request, _reply, done) => {
    const [wrong] = readParameters(searchOf(request.url), rules).problems;
    if (wrong === undefined) done();
    else {
      const message = `The parameter '${wrong.name}' ${wrong.problem}.`;
      done(new RefusedRequest({ status: 400, message }));
    }
  },
});

export const withoutParameters = takesParameters({ known: [] });
