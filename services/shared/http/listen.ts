import type { FastifyInstance } from 'fastify';
import { UserError } from '../process/errors.ts';
import { gracefulClose } from './graceful-close.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 chooses a free port. */
  readonly port: number;
  /** The setting that chooses the port, for messages. */
  readonly setting: string;
}

export interface Listening {
  readonly url: string;
  /** Ends as soon as the accepted requests are answered. */
  readonly close: () => Promise<void>;
}

/**
 * Starts listening.
 * @throws UserError that names the port and its setting
 */
export const listen = async (
  server: FastifyInstance,
  { host, port, setting }: ListenOptions,
): Promise<Listening> => {
  const close = gracefulClose(server);
  const problems: Readonly<Record<string, string>> = {
    EADDRINUSE: `the port is in use; stop what listens there, or set ${setting} to another port`,
    EACCES: `not allowed; set ${setting} to a port above 1023`,
    EADDRNOTAVAIL: 'this machine does not have that address',
    ENOTFOUND: 'no such host',
  };
  try {
    return { url: await server.listen({ host, port }), close };
  } catch (cause) {
    const problem = problems[(cause as NodeJS.ErrnoException).code ?? ''];
    if (problem === undefined) throw cause;
    throw new UserError(`Cannot listen on ${host}:${String(port)}: ${problem}.`, { cause });
  }
};
