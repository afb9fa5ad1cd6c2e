import type { FastifyInstance } from 'fastify';
import { RefusedRequest } from '../../shared/http/guarded-server.ts';
import { readParameters, searchOf } from '../../shared/http/query-parameters.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';
import type { Body } from './answers.ts';
import type { Callers } from './callers.ts';
import { sendBody } from './faults/perform-fault.ts';
import { managerError } from './manager-error.ts';
import { managerTokenProblem } from './token-problem.ts';

export interface ManagerRoom {
  readonly callers: Callers;
  readonly newId: () => string;
}

/** What all requests to Azure Resource Manager have in common: their ids, tokens, errors and JSON bodies. */
export const managerRoom = (app: FastifyInstance, { callers, newId }: ManagerRoom): void => {
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? null : JSON.parse(String(body)));
    } catch {
      done(Object.assign(new Error('The request content is not valid JSON.'), { statusCode: 400 }));
    }
  });
  app.setErrorHandler((error: Error & { readonly statusCode?: number }, _request, reply) => {
    if (error instanceof RefusedRequest && error.statusCode !== 400) throw error;
    if ((error.statusCode ?? 500) >= 500) throw error;
    return sendBody(reply, 400, managerError('InvalidRequestContent', error.message));
  });
  app.addHook('onRequest', async (request, reply) => {
    const id = newId();
    void reply.headers({ 'x-ms-request-id': id, 'x-ms-correlation-request-id': id });
    const caller = await callers.identify(request);
    if (caller.ok) return undefined;
    void reply.header('www-authenticate', 'Bearer authorization_uri="/{tenantId}/oauth2/token"');
    return sendBody(reply, 401, managerTokenProblem(caller.error));
  });
};

/** The parameters of a request, with the right version; or the body of a 400. */
export const managerParameters = (
  url: string,
  apiVersions: readonly string[],
  known: readonly string[] = [],
): Result<ReadonlyMap<string, string>, Body> => {
  const { values, problems } = readParameters(searchOf(url), { known: ['api-version', ...known] });
  const version = values.get('api-version');
  if (version === undefined) {
    return fail(
      managerError(
        'MissingApiVersionParameter',
        'The api-version query parameter is required for all requests.',
      ),
    );
  }
  if (!apiVersions.includes(version)) {
    return fail(
      managerError(
        'InvalidApiVersionParameter',
        `The api-version is invalid. The supported versions are '${apiVersions.join(', ')}'.`,
      ),
    );
  }
  const [wrong] = problems;
  return wrong === undefined
    ? succeed(values)
    : fail(
        managerError('InvalidQueryParameter', `The parameter '${wrong.name}' ${wrong.problem}.`),
      );
};
