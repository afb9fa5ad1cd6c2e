import type { Socket } from 'node:net';
import { type FastifyInstance } from 'fastify';
import {
  badRequest,
  errorBody,
  INTERNAL_SERVER_ERROR,
  notFound,
  SERVICE_UNAVAILABLE,
} from './api-error.ts';
import type { Tls } from '../shared/http/tls.ts';
import type { ListenerRules } from '../shared/http/foreign-request.ts';
import { guardedServer, RefusedRequest, withoutParameters } from '../shared/http/guarded-server.ts';
import { addRequestIds, logFailure, originOf, pathOf, sendError } from './replies.ts';
import { requestIdHeaders } from './request-ids.ts';
import { withinMillis } from './store-failure.ts';
import { openApiDocument } from './openapi.ts';
import { usagePath } from './usage-path.ts';
import { addUsageRoutes, type UsageRouteTools } from './usage-routes.ts';
import type { UsageStore } from './usage-store.ts';
import { API_VERSION } from './usage-query.ts';

export interface ServerTools extends UsageRouteTools {
  readonly store: UsageStore;
  /** For the example at the root. */
  readonly providerSubscription: string;
  readonly listener: ListenerRules;
  /** Null or missing for plain HTTP. */
  readonly tls?: Tls | null;
}

/** Longer than any URL that is accepted, so that a subscription of any length is refused as one. */
const MAX_PARAMETER_LENGTH = 100_000;

/** The usage API over HTTP. It does not listen yet. */
export const usageApiServer = (tools: ServerTools): FastifyInstance => {
  const server = guardedServer(tools.listener, {
    tls: tools.tls ?? null,
    routerOptions: {
      caseSensitive: false,
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      maxParamLength: MAX_PARAMETER_LENGTH,
    },
    frameworkErrors: (_error, request, reply) => {
      addRequestIds(tools.now, request, reply);
      void sendError(reply, badRequest('BadRequest', 'The URL is not valid.'));
    },
    clientErrorHandler: (error, socket) => {
      refuseUnreadable(error, socket, tools.now());
    },
  });
  server.addHook('onRequest', (request, reply, done) => {
    addRequestIds(tools.now, request, reply);
    done();
  });
  server.setNotFoundHandler((request, reply) => sendError(reply, notFound(pathOf(request.url))));
  server.setErrorHandler((error, request, reply) => {
    // A refused request has not reached the hook that adds them.
    if (!reply.hasHeader('x-ms-request-id')) addRequestIds(tools.now, request, reply);
    const status = clientStatus(error);
    if (status !== null) {
      const message = error instanceof RefusedRequest ? error.message : 'The request is not valid.';
      return sendError(reply, { ...badRequest('BadRequest', message), status });
    }
    logFailure(tools.logger, request, reply, error);
    return sendError(reply, INTERNAL_SERVER_ERROR);
  });
  addUsageRoutes(server, tools);
  addHealthRoutes(server, tools);
  server.get('/', withoutParameters, (request) =>
    introduction(originOf(tools.publicUrl, request), tools.providerSubscription),
  );
  server.get('/openapi.json', withoutParameters, (request) =>
    openApiDocument(originOf(tools.publicUrl, request)),
  );
  return server;
};

const addHealthRoutes = (server: FastifyInstance, tools: ServerTools): void => {
  server.get('/health/live', withoutParameters, () => ({ status: 'live' }));
  server.get('/health/ready', withoutParameters, async (request, reply) => {
    try {
      if (await withinMillis(tools.timeLimitMillis, tools.store.hasTables())) {
        return { status: 'ready' };
      }
      return await sendError(reply, {
        ...SERVICE_UNAVAILABLE,
        message: 'The usage database has no tables yet: run "npx usagectl migrate".',
      });
    } catch (error) {
      logFailure(tools.logger, request, reply, error);
      return sendError(reply, SERVICE_UNAVAILABLE);
    }
  });
};

/** The answer at the root: what this service is, and a call to try, for the usage in samples/. */
const introduction = (origin: string, provider: string): Readonly<Record<string, unknown>> => ({
  name: 'Usage API',
  description:
    'What the direct tenants of a provider subscription consumed, by the hour or day in which it was reported. Hours that are closed never change.',
  example: `${origin}${usagePath('provider', provider)}?reportedStartTime=2019-12-10T19:00:00Z&reportedEndTime=2019-12-10T20:00:00Z&aggregationGranularity=Hourly&api-version=${API_VERSION}`,
  openApi: `${origin}/openapi.json`,
  health: [`${origin}/health/live`, `${origin}/health/ready`],
});

/** The status of an error that fastify blames on the request; null for other errors. */
const clientStatus = (error: unknown): number | null => {
  const status =
    typeof error === 'object' && error !== null && 'statusCode' in error
      ? Number(error.statusCode)
      : Number.NaN;
  return status >= 400 && status < 500 ? status : null;
};

/** Answers what Node cannot read as a request: no other handler sees it. */
const refuseUnreadable = (error: Error & { code?: string }, socket: Socket, now: number): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'The URL and the headers of a request may have 16 KiB together.'
      : 'The request cannot be read as HTTP/1.1.';
  const body = JSON.stringify(errorBody(badRequest('BadRequest', problem)));
  const headers = {
    ...requestIdHeaders(undefined, now),
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 400 Bad Request\r\n${head.join('')}\r\n${body}`);
};
