import fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { badRequest } from './answers.ts';
import { apiRoutes, sendBody, type ApiPorts } from './api-routes.ts';
import { faultRoutes } from './fault-routes.ts';
import { pageRoutes, type PagePorts } from './page/page-routes.ts';

export type ServerPorts = ApiPorts & PagePorts;

/** 25 events with the longest texts fit several times over. */
const MAX_BODY_BYTES = 1024 * 1024;

export const buildServer = async (ports: ServerPorts): Promise<FastifyInstance> => {
  const app = fastify({ bodyLimit: MAX_BODY_BYTES });
  const { faults, logger } = ports;
  app.removeAllContentTypeParsers();

  app.setErrorHandler((error: FastifyError, _request, reply) => {
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

  app.get('/health/live', (_request, reply) => reply.send({ status: 'live' }));
  app.get('/health/ready', (_request, reply) => reply.send({ status: 'ready' }));
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
