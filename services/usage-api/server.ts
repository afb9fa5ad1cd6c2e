import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import {
  badRequest,
  errorBody,
  INTERNAL_SERVER_ERROR,
  notFound,
  SERVICE_UNAVAILABLE,
  type ApiError,
} from './api-error.ts';
import type { ListenerRules } from '../shared/http/foreign-request.ts';
import { guardedServer, RefusedRequest, withoutParameters } from '../shared/http/guarded-server.ts';
import { searchOf } from '../shared/http/query-parameters.ts';
import { listHeader } from './list-header.ts';
import { requestIdHeaders } from './request-ids.ts';
import type { UsageApi } from './caller.ts';
import { storeFailure, withinMillis } from './store-failure.ts';
import { answerUsage, type UsageAnswerTools } from './usage-answer.ts';
import type { UsageStore } from './usage-store.ts';
import { usagePath } from './usage-path.ts';
import { API_VERSION } from './usage-query.ts';

export interface ServerTools extends UsageAnswerTools {
  readonly store: UsageStore;
  /** For the example at the root. */
  readonly providerSubscription: string;
  readonly logger: Logger;
  /** The longest time that a call may take, in milliseconds. */
  readonly timeLimitMillis: number;
  readonly listener: ListenerRules;
  /** The beginning of links in answers; null for the address that the caller used. */
  readonly publicUrl: string | null;
}

/**
 * Lists the reported hours of an answer that were restated after they had closed. Callers that have read
 * them before should read them again. Not part of Azure's API.
 */
const RESTATED_HEADER = 'x-usage-restated-hours';

/**
 * Whether sources answer for the range: `complete`, `partly` or `not-covered`. If it is not complete, the
 * second header has the spans of reported time for which no source answers. They tell "nothing was used"
 * from "nobody knows". Not part of Azure's API.
 */
const COVERAGE_HEADER = 'x-usage-coverage';
const NOT_COVERED_HEADER = 'x-usage-not-covered';

/** The usage API over HTTP. It does not listen yet. */
export const usageApiServer = (tools: ServerTools): FastifyInstance => {
  const server = guardedServer(tools.listener, {
    routerOptions: { caseSensitive: false, ignoreTrailingSlash: true, maxParamLength: 1000 },
    frameworkErrors: (_error, request, reply) => {
      addRequestIds(tools, request, reply);
      void sendError(reply, badRequest('BadRequest', 'The URL is not valid.'));
    },
  });
  server.addHook('onRequest', (request, reply, done) => {
    addRequestIds(tools, request, reply);
    done();
  });
  server.setNotFoundHandler((request, reply) => sendError(reply, notFound(pathOf(request.url))));
  server.setErrorHandler((error, request, reply) => {
    // A refused request has not reached the hook that adds them.
    if (!reply.hasHeader('x-ms-request-id')) addRequestIds(tools, request, reply);
    const status = clientStatus(error);
    if (status !== null) {
      const message = error instanceof RefusedRequest ? error.message : 'The request is not valid.';
      return sendError(reply, { ...badRequest('BadRequest', message), status });
    }
    logFailure(tools, request, reply, error);
    return sendError(reply, INTERNAL_SERVER_ERROR);
  });
  addUsageRoutes(server, tools);
  addHealthRoutes(server, tools);
  server.get('/', withoutParameters, (request) =>
    introduction(originOf(tools, request), tools.providerSubscription),
  );
  return server;
};

const addUsageRoutes = (server: FastifyInstance, tools: ServerTools): void => {
  const handle = async (
    api: UsageApi,
    subscription: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    try {
      const call = {
        api,
        subscription,
        authorization: request.headers.authorization ?? null,
        search: searchOf(request.url),
        origin: originOf(tools, request),
      };
      const answer = await withinMillis(tools.timeLimitMillis, answerUsage(tools, call));
      if (!answer.ok) return await sendError(reply, answer.error);
      const { page, restatedHours, coverage } = answer.value;
      void reply.header(COVERAGE_HEADER, coverage.word);
      if (coverage.notCovered.length > 0) {
        void reply.header(NOT_COVERED_HEADER, listHeader(coverage.notCovered));
      }
      if (restatedHours.length > 0) void reply.header(RESTATED_HEADER, listHeader(restatedHours));
      return await reply.send(page);
    } catch (error) {
      logFailure(tools, request, reply, error);
      return sendError(reply, storeFailure(error));
    }
  };
  for (const api of ['provider', 'tenant'] as const) {
    const path = usagePath(api, ':subscription');
    server.get<{ Params: { subscription: string } }>(path, (request, reply) =>
      handle(api, request.params.subscription, request, reply),
    );
    // The same path without a subscription, so that the answer can say that it is missing.
    server.get(path.replace('/subscriptions/:subscription', ''), (request, reply) =>
      handle(api, '', request, reply),
    );
  }
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
      logFailure(tools, request, reply, error);
      return sendError(reply, SERVICE_UNAVAILABLE);
    }
  });
};

/** The answer at the root: what this service is, and a call to try, for the usage in samples/. */
const introduction = (origin: string, provider: string): Readonly<Record<string, unknown>> => ({
  name: 'Operator usage API',
  description:
    'What the direct tenants of a provider subscription consumed, by the hour or day in which it was reported. Hours that are closed never change.',
  example: `${origin}${usagePath('provider', provider)}?reportedStartTime=2019-12-10T19:00:00Z&reportedEndTime=2019-12-10T20:00:00Z&aggregationGranularity=Hourly&api-version=${API_VERSION}`,
  health: [`${origin}/health/live`, `${origin}/health/ready`],
});

const sendError = (reply: FastifyReply, error: ApiError): FastifyReply =>
  reply
    .code(error.status)
    .headers(error.headers ?? {})
    .send(errorBody(error));

const addRequestIds = (
  tools: ServerTools,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  const sent = request.headers['x-ms-correlation-request-id'];
  return reply.headers(requestIdHeaders(typeof sent === 'string' ? sent : undefined, tools.now()));
};

const logFailure = (
  { logger }: ServerTools,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
): void =>
  logger.error(
    { err: error, requestId: reply.getHeader('x-ms-request-id'), path: pathOf(request.url) },
    'a request could not be answered',
  );

/** The status of an error that fastify blames on the request; null for other errors. */
const clientStatus = (error: unknown): number | null => {
  const status =
    typeof error === 'object' && error !== null && 'statusCode' in error
      ? Number(error.statusCode)
      : Number.NaN;
  return status >= 400 && status < 500 ? status : null;
};

const pathOf = (url: string): string => url.split('?', 1)[0] ?? '';

/** The host has passed `guard`. */
const originOf = ({ publicUrl }: ServerTools, request: FastifyRequest): string =>
  publicUrl ?? `http://${request.host}`;
