import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { httpDateText } from '../../../shared/http/http-date.ts';
import { millis, type Millis } from '../../../shared/model/time.ts';
import type { Body } from '../answers.ts';
import type { Callers } from '../callers.ts';
import { managerError } from '../manager-error.ts';
import { managerTokenProblem, meteringTokenProblem } from '../token-problem.ts';
import type { Fault, FaultArea } from './fault.ts';
import type { FaultQueue } from './fault-queue.ts';

export interface Answer {
  readonly status: number;
  /** Null for none. */
  readonly body: Body | Readable | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is wrong with the service while it carries out a request. */
export interface Trouble {
  /** By how much its clock is wrong, in milliseconds. */
  readonly skew: number;
  readonly refuse: Extract<Fault, { kind: 'refuse' }> | null;
}

const NO_TROUBLE: Trouble = { skew: 0, refuse: null };

export type Handle = (request: FastifyRequest, trouble: Trouble) => Promise<Answer>;

const JSON_TYPE = 'application/json; charset=utf-8';

export const sendBody = (reply: FastifyReply, status: number, body: Body): FastifyReply =>
  reply.code(status).type(JSON_TYPE).send(JSON.stringify(body));

const sendAnswer = (reply: FastifyReply, { status, body, headers = {} }: Answer): FastifyReply => {
  void reply.code(status).headers(headers);
  if (body === null) return reply.send();
  return body instanceof Readable
    ? reply.type(JSON_TYPE).send(body)
    : sendBody(reply, status, body);
};

/** Connections that wait for an answer that will not come, and answers that come late. */
export class FaultyConnections {
  private readonly hanging = new Set<Socket>();
  private readonly stopping = new AbortController();

  hang(socket: Socket): void {
    this.hanging.add(socket);
    socket.once('close', () => this.hanging.delete(socket));
  }

  /** Ends early when the service stops. */
  async pause(millis: number): Promise<void> {
    const { signal } = this.stopping;
    await wait(millis, undefined, { signal }).catch(() => undefined);
  }

  release(): void {
    this.stopping.abort();
    for (const socket of this.hanging) socket.destroy();
  }
}

export interface FaultDeskPorts {
  /** Null where nobody can ask for faults. */
  readonly faults: { readonly queue: FaultQueue; readonly connections: FaultyConnections } | null;
  readonly callers: Callers;
  readonly now: () => Millis;
  readonly logger: Logger;
}

/** Answers with what an operation gives, unless the next fault that a test asked for says otherwise. */
export class FaultDesk {
  private readonly ports: FaultDeskPorts;

  constructor(ports: FaultDeskPorts) {
    this.ports = ports;
  }

  answered(
    area: FaultArea,
    handle: Handle,
  ): (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> {
    return async (request, reply) => {
      const { faults, callers, now, logger } = this.ports;
      const fault = faults?.queue.take(request.method, area) ?? null;
      if (!faults || fault === null) return sendAnswer(reply, await handle(request, NO_TROUBLE));
      logger.warn({ fault, method: request.method, url: request.url }, 'misbehaving as requested');
      switch (fault.kind) {
        case 'expired-token':
          callers.revoke(request);
          return sendBody(reply, fault.status, expiredBody(area));
        case 'refuse':
          return sendAnswer(reply, await handle(request, { ...NO_TROUBLE, refuse: fault }));
        case 'skew': {
          const { offsetMillis: skew } = fault;
          void reply.header('date', httpDateText(millis(now() + skew)));
          return sendAnswer(reply, await handle(request, { ...NO_TROUBLE, skew }));
        }
        case 'slow':
          return sendLate(request, reply, handle, fault, faults.connections);
        case 'half':
          return sendHalf(reply, await handle(request, NO_TROUBLE));
        default:
          if (fault.stored) await drop(await handle(request, NO_TROUBLE));
          return sendNothingRight(reply, fault, area, faults.connections);
      }
    };
  }
}

const expiredBody = (area: FaultArea): Body =>
  area === 'metering' ? meteringTokenProblem('expired') : managerTokenProblem('expired');

/** A body that is read from the store must be ended, or the read would go on. */
const drop = async ({ body }: Answer): Promise<void> => {
  if (body instanceof Readable) await textOf(body);
};

const sendLate = async (
  request: FastifyRequest,
  reply: FastifyReply,
  handle: Handle,
  { millis, stored }: Extract<Fault, { kind: 'slow' }>,
  connections: FaultyConnections,
): Promise<FastifyReply> => {
  if (!stored) await connections.pause(millis);
  const answer = await handle(request, NO_TROUBLE);
  if (stored) await connections.pause(millis);
  return sendAnswer(reply, answer);
};

const sendHalf = async (reply: FastifyReply, { status, body }: Answer): Promise<FastifyReply> => {
  const whole = Buffer.from(body instanceof Readable ? await textOf(body) : JSON.stringify(body));
  reply.hijack();
  const headers = { ...reply.getHeaders(), 'content-type': JSON_TYPE };
  reply.raw.writeHead(status, { ...headers, 'content-length': whole.length } as never);
  reply.raw.write(whole.subarray(0, Math.floor(whole.length / 2)), () => {
    reply.raw.socket?.destroy();
  });
  return reply;
};

/** Azure's own code for an error upstream where it resolves a subscription. */
const statusBody = (status: number, area: FaultArea): Body => {
  const message = 'A fault, as a test requested.';
  const code = status === 502 ? 'MetadataResolverBadGatewayError' : 'ServiceUnavailable';
  return area === 'metering' || area === 'token'
    ? { message, code: 'Error' }
    : managerError(code, message);
};

const sendNothingRight = (
  reply: FastifyReply,
  fault: Exclude<Extract<Fault, { stored: boolean }>, { kind: 'slow' }>,
  area: FaultArea,
  connections: FaultyConnections,
): FastifyReply => {
  const { socket } = reply.request.raw;
  switch (fault.kind) {
    case 'status':
      if (fault.retryAfter !== undefined) reply.header('retry-after', String(fault.retryAfter));
      return sendBody(reply, fault.status, statusBody(fault.status, area));
    case 'garbage':
      return reply.code(200).type('application/json').send('{"count":1,"result":[{"status":"Acc');
    case 'hang':
      connections.hang(socket);
      return reply.hijack();
    case 'close':
      socket.destroy();
      return reply.hijack();
    case 'reset':
      socket.resetAndDestroy();
      return reply.hijack();
  }
};
