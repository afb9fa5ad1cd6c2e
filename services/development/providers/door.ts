import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import {
  guardedServer,
  RefusedRequest,
  takesParameters,
  withoutParameters,
} from '../../shared/http/guarded-server.ts';
import { listen, type Listening } from '../../shared/http/listen.ts';
import { asciiLower } from '../../shared/model/placement.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';
import { addHealthRoutes, type Health } from '../../shared/process/health.ts';
import type { SignIn } from '../../shared/sign-in/sign-in-settings.ts';
import { KeysUnavailable } from '../../shared/sign-in/signing-keys.ts';
import {
  changeRequestSchema,
  createRequestSchema,
  type ChangeAnswer,
  type ChangeRequest,
  type CreateRequest,
  type ShownResource,
} from '../simulated-cloud/resource-requests.ts';
import type { Refusal } from './resource-changes.ts';

/** What one provider shows and does at the door of its process. */
export interface DoorPart {
  readonly name: string;
  health(): Health;
  /** The resources that exist, of one subscription in lower case or of all. */
  list(subscription: string | null): readonly ShownResource[];
  create(request: CreateRequest, by: string): Promise<Result<ChangeAnswer, Refusal>>;
  change(request: ChangeRequest, by: string): Promise<Result<ChangeAnswer, Refusal>>;
}

export interface DoorPorts {
  readonly parts: readonly DoorPart[];
  /** Null without sign-in: then everybody on this machine may change the cloud. */
  readonly signIn: SignIn | null;
  /** The operator's subscription: whoever changes the cloud must be its Owner or Contributor. */
  readonly operator: string;
  readonly allowedHosts: readonly string[];
  /** The address to listen on; loopback if it is missing. */
  readonly host?: string;
  readonly onFailure: (error: unknown) => void;
}

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

const STATUS: Readonly<Record<Refusal['code'], number>> = {
  'not-found': 404,
  invalid: 400,
  conflict: 409,
};

const LOOPBACK = '127.0.0.1';

/**
 * Opens the door of a process: the health of all its providers, and of each under its name, with its
 * resources.
 * @throws UserError if the port is in use
 */
export const openDoor = (port: number, ports: DoorPorts): Promise<Listening> => {
  const { parts, allowedHosts, host = LOOPBACK, onFailure } = ports;
  const server = guardedServer({ listenHost: host, allowedHosts, linksFromElsewhere: true });
  server.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) onFailure(error);
    const code = error instanceof RefusedRequest ? 'refused' : 'invalid';
    return status < 500
      ? answer(reply, { status, code, message: error.message })
      : answer(reply, { status: 500, code: 'failed', message: 'An error has occurred.' });
  });
  addHealthRoutes(server, '', () => healthOfAll(parts));
  for (const part of parts) addPart(server, part, ports);
  return listen(server, { host, port, setting: 'HEALTH_PORT' });
};

const healthOfAll = (parts: readonly DoorPart[]): Health => {
  const each = parts.map((part) => ({ name: part.name, ...part.health() }));
  return {
    problems: each.flatMap(({ name, problems }) => problems.map((text) => `${name}: ${text}`)),
    details: { providers: Object.fromEntries(each.map(({ name, details }) => [name, details])) },
  };
};

const addPart = (server: FastifyInstance, part: DoorPart, ports: DoorPorts): void => {
  const at = `/${part.name}`;
  addHealthRoutes(server, at, () => part.health());
  server.get(
    `${at}/resources`,
    takesParameters({ known: ['subscription'] }),
    async (request, reply) => {
      const caller = await callerOf(request, ports, 'roles');
      if (!caller.ok) return answer(reply, caller.error);
      const { subscription } = request.query as { subscription?: string };
      return reply.send({ value: part.list(subscription ? asciiLower(subscription) : null) });
    },
  );
  addChange(server, `${at}/resources`, createRequestSchema, ports, (body, by) =>
    part.create(body, by),
  );
  addChange(server, `${at}/resources/change`, changeRequestSchema, ports, (body, by) =>
    part.change(body, by),
  );
};

const addChange = <T>(
  server: FastifyInstance,
  path: string,
  schema: z.ZodType<T>,
  ports: DoorPorts,
  change: (body: T, by: string) => Promise<Result<ChangeAnswer, Refusal>>,
): void => {
  server.post(path, withoutParameters, async (request, reply) => {
    const caller = await callerOf(request, ports, 'changes');
    if (!caller.ok) return answer(reply, caller.error);
    const body = schema.safeParse(request.body);
    if (!body.success) {
      const message = body.error.issues
        .map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`)
        .join('; ');
      return answer(reply, { status: 400, code: 'invalid', message });
    }
    const done = await change(body.data, caller.value);
    if (done.ok) return reply.send(done.value);
    const { code, message } = done.error;
    return answer(reply, { status: STATUS[code], code, message });
  });
};

/** Who calls, for what is recorded about a change. */
const callerOf = async (
  { headers }: FastifyRequest,
  { signIn, operator }: DoorPorts,
  needed: 'roles' | 'changes',
): Promise<Result<string, Answer>> => {
  if (signIn === null) return succeed('somebody on this machine');
  try {
    const identity = await signIn(headers.authorization ?? null);
    if (!identity.ok) {
      const what =
        identity.error.kind === 'missing'
          ? 'No token was sent'
          : `The token is not good (${identity.error.kind})`;
      return fail({
        status: 401,
        code: 'unauthenticated',
        message: `${what}: send one of "usagectl token --role Contributor".`,
      });
    }
    if (identity.value[needed].has(asciiLower(operator))) return succeed(identity.value.name);
    return fail({
      status: 403,
      code: 'forbidden',
      message:
        needed === 'roles'
          ? `'${identity.value.name}' has no role in the operator's subscription ${operator}.`
          : `'${identity.value.name}' may not change the cloud: it takes the role Owner or Contributor in the operator's subscription ${operator}.`,
    });
  } catch (error) {
    if (!(error instanceof KeysUnavailable)) throw error;
    const message = 'The keys of the issuer of tokens are not available at the moment.';
    return fail({ status: 503, code: 'unavailable', message });
  }
};

const answer = (reply: FastifyReply, { status, code, message }: Answer): FastifyReply => {
  if (status === 401) void reply.header('www-authenticate', 'Bearer realm="simulated-cloud"');
  return reply.code(status).send({ error: { code, message } });
};
