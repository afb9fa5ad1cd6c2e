import { wholeNumber } from './config.ts';
import { allowedHostSettings } from '../http/allowed-hosts.ts';
import { guardedServer, withoutParameters } from '../http/guarded-server.ts';
import { listen, type Listening } from '../http/listen.ts';
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';

/** Whether a service can do its work, and what prevents it. */
export interface Health {
  /** What keeps it from its work, one sentence each. The service is ready if there are none. */
  readonly problems: readonly string[];
  /** What a person or a program may want to know, as JSON. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface HealthConfig {
  readonly HEALTH_PORT: number;
  readonly HTTP_ALLOWED_HOSTS: readonly string[];
}

export const healthSettings = (
  port: number,
): typeof allowedHostSettings & { HEALTH_PORT: z.ZodType<number, string | undefined> } => ({
  ...allowedHostSettings,
  /** The port of `/health/live` and `/health/ready` on loopback; 0 chooses a free one. */
  HEALTH_PORT: wholeNumber(port, 0, 65_535),
});

export const secondsText = (millis: number): string => `${String(Math.floor(millis / 1000))} s`;

/** Why a reader of Kafka fetches nothing; null if it fetches. */
export const fetchProblem = (notFetchedFor: number | null, stallMillis: number): string | null => {
  if (notFetchedFor === null)
    return 'it reads nothing yet: it is starting, or no source is registered';
  if (notFetchedFor < stallMillis) return null;
  return `nothing was fetched from Kafka for ${secondsText(notFetchedFor)}`;
};

/** Reports a step that has been retried for too long; null if there is none. */
export const attemptProblem = (
  what: string,
  pendingFor: number,
  stallMillis: number,
): string | null =>
  pendingFor < stallMillis ? null : `${what} for ${secondsText(pendingFor)}: its log says why`;

/** Adds `/health/live` (200 while the process runs) and `/health/ready` (200 or 503, with details). */
export const addHealthRoutes = (
  server: FastifyInstance,
  prefix: string,
  health: () => Health,
): void => {
  server.get(`${prefix}/health/live`, withoutParameters, () => ({ status: 'live' }));
  server.get(`${prefix}/health/ready`, withoutParameters, async (_request, reply) => {
    const { problems, details } = health();
    const ready = problems.length === 0;
    const status = ready ? 'ready' : 'not ready';
    await reply.code(ready ? 200 : 503).send({ status, problems, ...details });
  });
};

/**
 * Serves the health of a process on loopback.
 * @throws UserError if the port is in use
 */
export const startHealthServer = async (
  { HEALTH_PORT: port, HTTP_ALLOWED_HOSTS: allowedHosts }: HealthConfig,
  health: () => Health,
): Promise<Listening> => {
  const host = '127.0.0.1';
  const server = guardedServer({ listenHost: host, allowedHosts, linksFromElsewhere: true });
  addHealthRoutes(server, '', health);
  return listen(server, { host, port, setting: 'HEALTH_PORT' });
};
