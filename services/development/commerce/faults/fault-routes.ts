import type { FastifyInstance } from 'fastify';
import { withoutParameters } from '../../../shared/http/guarded-server.ts';
import type { Authorization } from '../authorization.ts';
import type { Clock } from '../clock.ts';
import { readFault } from './fault.ts';
import type { FaultQueue } from './fault-queue.ts';

export interface FaultRoutesPorts {
  readonly queue: FaultQueue;
  readonly clock: Clock;
  readonly authorization: Authorization;
}

/** The routes by which a test asks for faults (see `fault.ts`) and sets the clock. */
export const faultRoutes = (
  app: FastifyInstance,
  { queue, clock, authorization }: FaultRoutesPorts,
): void => {
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
  app.addHook('onRequest', async (request, reply) => {
    if ((await authorization.bearer(request.headers.authorization)).ok) return undefined;
    return reply.code(403).send({ message: 'The bearer token is missing or invalid.' });
  });
  app.post('/faults', withoutParameters, (request, reply) => {
    const fault = readFault(String(request.body));
    if (!fault.ok) return reply.code(400).send({ message: fault.error });
    queue.add(fault.value);
    return reply.code(201).send(queue.pending());
  });
  app.get('/faults', withoutParameters, (_request, reply) => reply.send(queue.pending()));
  app.delete('/faults', withoutParameters, (_request, reply) => {
    queue.clear();
    return reply.code(204).send();
  });
  app.get('/clock', withoutParameters, (_request, reply) => reply.send(clock.shown()));
  app.put('/clock', withoutParameters, async (request, reply) => {
    const set = await clock.set(String(request.body));
    return set.ok ? reply.send(clock.shown()) : reply.code(400).send({ message: set.error });
  });
  app.delete('/clock', withoutParameters, async (_request, reply) => {
    await clock.reset();
    return reply.code(204).send();
  });
};
