import { createServer } from 'node:net';
import { UserError } from '../../shared/process/errors.ts';
import { delay } from './child-process.ts';

/**
 * Listens on a port of 127.0.0.1 for a moment, 0 for any, and resolves to the port. Rejects if it is in
 * use.
 */
const tryPort = (port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : port));
    });
  });

/** A port of 127.0.0.1 on which nothing listens now. */
export const freePort = (): Promise<number> => tryPort(0);

export const busyPort = (what: string, port: number, setting: string): UserError =>
  new UserError(
    `${what} cannot listen on 127.0.0.1:${String(port)}, the port is in use: stop what listens there, or set ${setting} to another port.`,
  );

const POLL_MILLIS = 50;

/**
 * Waits until `giveUpAt` for a port that is in use.
 * @throws UserError, which names the setting to change, if `what` cannot listen on the port
 */
export const checkPort = async (
  what: string,
  port: number,
  setting: string,
  giveUpAt = 0,
): Promise<void> => {
  try {
    await tryPort(port);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' && Date.now() < giveUpAt) {
      await delay(POLL_MILLIS);
      return checkPort(what, port, setting, giveUpAt);
    }
    if (code === 'EADDRINUSE') throw busyPort(what, port, setting);
    if (code === 'EACCES') {
      throw new UserError(
        `${what} may not listen on 127.0.0.1:${String(port)}: set ${setting} to a port above 1023.`,
      );
    }
    throw error;
  }
};
