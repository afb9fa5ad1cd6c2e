import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { searchOf } from '../shared/http/query-parameters.ts';
import { fail, type Result } from '../shared/model/result.ts';
import { GATEWAY_TIMEOUT, tooManyReads, type ApiError } from './api-error.ts';
import type { CallerOf, UsageApi } from './caller.ts';
import { listHeader } from './list-header.ts';
import type { ReadLimit } from './read-limit.ts';
import { logFailure, originOf, sendError } from './replies.ts';
import { storeFailure, withinMillis } from './store-failure.ts';
import { Turns } from './turns.ts';
import { answerUsage, type UsageAnswer, type UsageAnswerTools } from './usage-answer.ts';
import { locationsPath, usagePath } from './usage-path.ts';

export interface UsageRouteTools extends UsageAnswerTools {
  readonly callerOf: CallerOf;
  readonly readLimit: ReadLimit;
  readonly logger: Logger;
  /** The longest time that a call may take, in milliseconds. */
  readonly timeLimitMillis: number;
  /** The beginning of links in answers; null for the address that the caller used. */
  readonly publicUrl: string | null;
}

/**
 * Lists the reported hours of an answer that were restated after they had closed. Callers that have read
 * them before should read them again. Not part of Azure's API.
 */
export const RESTATED_HEADER = 'x-usage-restated-hours';

/**
 * Whether sources answer for the range: `complete`, `partly` or `not-covered`. If it is not complete, the
 * second header has the spans of reported time for which no source answers. They tell "nothing was used"
 * from "nobody knows". Not part of Azure's API.
 */
export const COVERAGE_HEADER = 'x-usage-coverage';
export const NOT_COVERED_HEADER = 'x-usage-not-covered';

/** Reads that the caller has left, as ARM tells them. */
export const REMAINING_READS_HEADER = 'x-ms-ratelimit-remaining-subscription-reads';

/** Calls of one subscription that read at once. The engine and the connections to it are for all. */
const AT_ONCE = 4;

interface UsageRequest {
  readonly turns: Turns;
  readonly api: UsageApi;
  /** From the path; empty if it is missing. */
  readonly subscription: string;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** The routes of both APIs. */
export const addUsageRoutes = (server: FastifyInstance, tools: UsageRouteTools): void => {
  const turns = new Turns(AT_ONCE);
  for (const api of ['provider', 'tenant'] as const) {
    for (const pathFor of [usagePath, locationsPath]) {
      server.get<{ Params: { subscription: string } }>(
        pathFor(api, ':subscription'),
        (request, reply) =>
          handle(tools, { turns, api, subscription: request.params.subscription, request, reply }),
      );
    }
    // The same path without a subscription, so that the answer can say that it is missing.
    for (const missing of ['/subscriptions/:subscription', ':subscription/']) {
      server.get(usagePath(api, ':subscription').replace(missing, ''), (request, reply) =>
        handle(tools, { turns, api, subscription: '', request, reply }),
      );
    }
  }
};

const handle = async (tools: UsageRouteTools, call: UsageRequest): Promise<FastifyReply> => {
  const { request, reply } = call;
  try {
    const answer = await withinMillis(tools.timeLimitMillis, answered(tools, call));
    if (!answer.ok) return await sendError(reply, answer.error);
    const { body, restatedHours, coverage } = answer.value;
    void reply.header(COVERAGE_HEADER, coverage.word);
    if (coverage.notCovered.length > 0) {
      void reply.header(NOT_COVERED_HEADER, listHeader(coverage.notCovered));
    }
    if (restatedHours.length > 0) void reply.header(RESTATED_HEADER, listHeader(restatedHours));
    return await reply.type('application/json; charset=utf-8').send(body);
  } catch (error) {
    logFailure(tools.logger, request, reply, error);
    return sendError(reply, storeFailure(error));
  }
};

/** Whether a call is for a later page of an answer. */
const continuesAnswer = (search: URLSearchParams): boolean =>
  [...search.keys()].some((name) => name.toLowerCase() === 'continuationtoken');

/**
 * For a later page, the directory of a moment ago will do, unless it leads to a refusal: another instance, which has looked later, may have
 * told the page before.
 */
const answered = async (
  tools: UsageRouteTools,
  call: UsageRequest,
): Promise<Result<UsageAnswer, ApiError>> => {
  const continues = continuesAnswer(searchOf(call.request.url));
  const answer = await answerTo(tools, call, continues);
  return answer.ok || !continues ? answer : answerTo(tools, call, false);
};

const answerTo = async (
  tools: UsageRouteTools,
  { turns, api, subscription, request, reply }: UsageRequest,
  continues: boolean,
): Promise<Result<UsageAnswer, ApiError>> => {
  const authorization = request.headers.authorization ?? null;
  const caller = await tools.callerOf({ api, subscription, authorization, continues });
  if (!caller.ok) return caller;
  const name = `${api}/${caller.value.subscription}`;
  const read = tools.readLimit.take(name, tools.now());
  void reply.header(REMAINING_READS_HEADER, String(read.remaining));
  if (read.retryAfterSeconds !== null) return fail(tooManyReads(read.retryAfterSeconds));
  return turns.run(name, () =>
    // Its caller may have been told in the meantime that it took too long.
    reply.sent
      ? Promise.resolve(fail(GATEWAY_TIMEOUT))
      : answerUsage(tools, {
          api,
          caller: caller.value,
          search: searchOf(request.url),
          origin: originOf(tools.publicUrl, request),
        }),
  );
};
