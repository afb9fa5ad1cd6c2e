import type { FastifyError, FastifyInstance } from 'fastify';
import type { ListenerRules } from '../../shared/http/foreign-request.ts';
import {
  guardedServer,
  RefusedRequest,
  withoutParameters,
} from '../../shared/http/guarded-server.ts';
import { badRequest } from './answers.ts';
import { apiRoutes, sendBody, type ApiPorts } from './api-routes.ts';
import { faultRoutes } from './fault-routes.ts';
import { pageRoutes, type PagePorts } from './page/page-routes.ts';

export type ServerPorts = ApiPorts & PagePorts & { readonly listener: ListenerRules };

/** The statuses of requests that are not for this service. All others get the documented 400. */
const FORBIDDEN: ReadonlySet<number> = new Set([403, 421]);

export const buildServer = async (ports: ServerPorts): Promise<FastifyInstance> => {
  const app = guardedServer(ports.listener);
  const { faults, logger } = ports;
  app.removeAllContentTypeParsers();

  app.setErrorHandler((error: FastifyError, _request, reply) => {
    if (error instanceof RefusedRequest && FORBIDDEN.has(error.statusCode)) {
      return sendBody(reply, error.statusCode, { message: error.message, code: 'Forbidden' });
    }
    if ((error.statusCode ?? 500) < 500) {
      const details = [{ target: 'request', message: error.message }];
      return sendBody(reply, 400, badRequest(details));
    }
    logger.error({ err: error }, 'a request failed');
    return sendBody(reply, 500, { message: 'An error has occurred.', code: 'InternalServerError' });
  });
  app.setNotFoundHandler((_request, reply) =>
    sendBody(reply, 404, { message: 'There is nothing at this address.', code: 'NotFound' }),
  );

  app.get('/health/live', withoutParameters, (_request, reply) => reply.send({ status: 'live' }));
  // Reading the store fails here as for any other request.
  app.get('/health/ready', withoutParameters, async (_request, reply) => {
    await ports.events.totals();
    return reply.send({ status: 'ready' });
  });
  await app.register(
    (api, _options, done) => {
      apiRoutes(api, ports);
      done();
    },
    { prefix: '/api' },
  );
  await app.register((page, _options, done) => {
    pageRoutes(page, ports);
    done();
  });
  if (faults) {
    await app.register((admin, _options, done) => {
      faultRoutes(admin, faults.queue, ports.token);
      done();
    });
    app.addHook('preClose', (done) => {
      faults.connections.release();
      done();
    });
  }
  return app;
};
