import type { FastifyError, FastifyInstance } from 'fastify';
import type { ListenerRules } from '../../shared/http/foreign-request.ts';
import { httpDateText } from '../../shared/http/http-date.ts';
import {
  guardedServer,
  RefusedRequest,
  withoutParameters,
} from '../../shared/http/guarded-server.ts';
import { badRequest } from './answers.ts';
import { apiRoutes, type ApiPorts } from './api-routes.ts';
import { Callers } from './callers.ts';
import type { Clock } from './clock.ts';
import { creditRoutes } from './credit-routes.ts';
import type { Credits } from './credits.ts';
import type { CommerceMeters } from './commerce-meters.ts';
import { faultRoutes } from './faults/fault-routes.ts';
import type { FaultQueue } from './faults/fault-queue.ts';
import { FaultDesk, FaultyConnections, sendBody } from './faults/perform-fault.ts';
import { portalRoutes, type PortalPorts } from './portal/portal-routes.ts';
import { customerRoutes } from './registrations/customer-routes.ts';
import type { CustomerMap } from './registrations/customer-map.ts';
import type { AzureDirectory } from './registrations/registrations-file.ts';
import type { AccessTokens } from './sign-in/access-tokens.ts';
import { TOKEN_PATH, tokenRoutes } from './sign-in/token-routes.ts';
import type { Client } from './sign-in/token-request.ts';
import { usageAggregateRoutes } from './usage-aggregates/usage-aggregate-routes.ts';

export type ServerPorts = Omit<ApiPorts, 'callers' | 'faults' | 'now'> &
  Omit<PortalPorts, 'now'> & {
    readonly directory: AzureDirectory;
    readonly meters: CommerceMeters;
    /** Null where nobody can sign in. */
    readonly signIn: { readonly client: Client; readonly tokens: AccessTokens } | null;
    readonly customers: CustomerMap;
    readonly credits: Credits;
    readonly clock: Clock;
    /** Null where nobody can ask for faults or set the clock. */
    readonly faultQueue: FaultQueue | null;
    readonly listener: ListenerRules;
  };

/** The statuses of requests that are not for this service. All others get the documented 400. */
const FORBIDDEN: ReadonlySet<number> = new Set([403, 421]);

export const buildServer = async (ports: ServerPorts): Promise<FastifyInstance> => {
  const { authorization, clock, faultQueue, logger } = ports;
  const app = guardedServer(ports.listener, {
    formPaths: TOKEN_PATH,
    routerOptions: { caseSensitive: false }, // as Azure
  });
  app.removeAllContentTypeParsers();
  answerErrors(app, ports);

  const now = () => clock.now();
  const callers = new Callers(authorization);
  const connections = new FaultyConnections();
  const faults = new FaultDesk({
    faults: faultQueue && { queue: faultQueue, connections },
    callers,
    now,
    logger,
  });
  const all = { ...ports, callers, faults, now };
  // Callers compare Commerce's clock with theirs by this header.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (!reply.hasHeader('date')) void reply.header('date', httpDateText(now()));
    done();
  });

  app.get('/health/live', withoutParameters, (_request, reply) => reply.send({ status: 'live' }));
  app.get('/health/ready', withoutParameters, async (_request, reply) => {
    await ports.events.probe();
    return reply.send({ status: 'ready' });
  });
  const { signIn } = ports;
  await inRoom(app, '/api', (room) => apiRoutes(room, all));
  await inRoom(app, '', (room) => customerRoutes(room, all));
  await inRoom(app, '', (room) => usageAggregateRoutes(room, all));
  await inRoom(app, '', (room) => portalRoutes(room, all));
  await inRoom(app, '', (room) => creditRoutes(room, all));
  if (signIn) await inRoom(app, '', (room) => tokenRoutes(room, { ...all, ...signIn }));
  if (faultQueue) {
    const admin = { queue: faultQueue, clock, authorization };
    await inRoom(app, '', (room) => faultRoutes(room, admin));
    app.addHook('preClose', (done) => {
      connections.release();
      done();
    });
  }
  return app;
};

/** Routes with hooks and parsers of their own. */
const inRoom = async (
  app: FastifyInstance,
  prefix: string,
  routes: (room: FastifyInstance) => void,
): Promise<void> => {
  await app.register(
    (room, _options, done) => {
      routes(room);
      done();
    },
    { prefix },
  );
};

const answerErrors = (app: FastifyInstance, { logger }: ServerPorts): void => {
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
};
