import type { FastifyInstance } from 'fastify';

const SWEEP_MILLIS = 20;

/**
 * Closes a server as soon as the accepted requests are answered. Node closes idle connections itself, but
 * waits for connections without any request so far, which browsers open in advance.
 * @returns a function that closes the server; call it once
 */
export const gracefulClose = (app: FastifyInstance): (() => Promise<void>) => {
  let inFlight = 0;
  app.server.on('request', (_request, response) => {
    inFlight++;
    response.once('close', () => inFlight--);
  });
  return async () => {
    const sweep = setInterval(() => {
      if (inFlight === 0) app.server.closeAllConnections();
    }, SWEEP_MILLIS);
    await app.close().finally(() => clearInterval(sweep));
  };
};
