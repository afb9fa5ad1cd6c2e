import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { errorBody, type ApiError } from './api-error.ts';
import { requestIdHeaders } from './request-ids.ts';

export const sendError = (reply: FastifyReply, error: ApiError): FastifyReply =>
  reply
    .code(error.status)
    .headers(error.headers ?? {})
    .send(errorBody(error));

export const addRequestIds = (
  now: () => number,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  const sent = request.headers['x-ms-correlation-request-id'];
  return reply.headers(requestIdHeaders(typeof sent === 'string' ? sent : undefined, now()));
};

export const logFailure = (
  logger: Logger,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
): void =>
  logger.error(
    { err: error, requestId: reply.getHeader('x-ms-request-id'), path: pathOf(request.url) },
    'a request could not be answered',
  );

export const pathOf = (url: string): string => url.split('?', 1)[0] ?? '';

/**
 * The beginning of links in an answer. The host has been checked.
 * @param publicUrl null for the address that the caller used
 */
export const originOf = (publicUrl: string | null, request: FastifyRequest): string =>
  publicUrl ?? `${request.protocol}://${request.host}`;
