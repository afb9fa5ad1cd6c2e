import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Socket } from 'node:net';
import { withoutParameters } from '../../shared/http/guarded-server.ts';
import { bearerMayCall } from './authorization.ts';
import { readFault, type Fault, type FaultQueue } from './faults.ts';

/** Connections that wait for an answer that will not come. */
export class FaultyConnections {
  private readonly hanging = new Set<Socket>();

  hang(socket: Socket): void {
    this.hanging.add(socket);
    socket.once('close', () => this.hanging.delete(socket));
  }

  release(): void {
    for (const socket of this.hanging) socket.destroy();
  }
}

/** Answers as the fault requires, or not at all. */
export const performFault = (
  fault: Exclude<Fault, { kind: 'refuse' }>,
  reply: FastifyReply,
  connections: FaultyConnections,
): FastifyReply => {
  switch (fault.kind) {
    case 'status':
      if (fault.retryAfter !== undefined) reply.header('retry-after', String(fault.retryAfter));
      return reply.code(fault.status).send({ message: 'A fault, as a test requested.' });
    case 'garbage':
      return reply.code(200).type('application/json').send('{"count":1,"result":[{"status":"Acc');
    case 'hang':
      connections.hang(reply.raw.socket ?? reply.request.raw.socket);
      return reply.hijack();
    case 'close':
      reply.request.raw.socket.destroy();
      return reply.hijack();
  }
};

/** The routes by which a test asks for faults (see `faults.ts`). */
export const faultRoutes = (
  app: FastifyInstance,
  queue: FaultQueue,
  token: string | null,
): void => {
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
  app.addHook('onRequest', async (request, reply) => {
    if (bearerMayCall(token, request.headers.authorization)) return undefined;
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
};
