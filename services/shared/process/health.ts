import { isIP } from 'node:net';
import { z } from 'zod';
import { wholeNumber } from './config.ts';
import { allowedHostSettings } from '../http/allowed-hosts.ts';
import { guardedServer, withoutParameters } from '../http/guarded-server.ts';
import { listen, type Listening } from '../http/listen.ts';
import type { FastifyInstance } from 'fastify';

/** Whether a service can do its work, and what prevents it. */
export interface Health {
  /** What keeps it from its work, one sentence each. The service is ready if there are none. */
  readonly problems: readonly string[];
  /** What a person or a program may want to know, as JSON. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface HealthConfig {
  readonly HEALTH_PORT: number;
  /** Loopback if it is missing. */
  readonly HEALTH_HOST?: string;
  readonly HTTP_ALLOWED_HOSTS: readonly string[];
}

export const healthSettings = (
  port: number,
): typeof allowedHostSettings & {
  HEALTH_HOST: z.ZodType<string, string | undefined>;
  HEALTH_PORT: z.ZodType<number, string | undefined>;
} => ({
  ...allowedHostSettings,
  /** The address of `/health/live` and `/health/ready`. Whoever reaches it reads them without a login. */
  HEALTH_HOST: z
    .string()
    .default(LOOPBACK)
    .refine((text) => isIP(text) !== 0, { message: 'must be an IP address' }),
  /** Their port; 0 chooses a free one. */
  HEALTH_PORT: wholeNumber(port, 0, 65_535),
});

const LOOPBACK = '127.0.0.1';

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
 * Serves the health of a process.
 * @throws UserError if the port is in use
 */
export const startHealthServer = async (
  {
    HEALTH_HOST: host = LOOPBACK,
    HEALTH_PORT: port,
    HTTP_ALLOWED_HOSTS: allowedHosts,
  }: HealthConfig,
  health: () => Health,
): Promise<Listening> => {
  const server = guardedServer({ listenHost: host, allowedHosts, linksFromElsewhere: true });
  addHealthRoutes(server, '', health);
  return listen(server, { host, port, setting: 'HEALTH_PORT' });
};
