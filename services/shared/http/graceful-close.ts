import type { FastifyInstance } from 'fastify';

const SWEEP_MILLIS = 20;

/**
 * Closes a server as soon as the requests that it has taken up are answered. Node closes idle
 * connections itself, but waits for those on which no request has come yet, such as a browser
 * opens in advance.
 * @returns what closes the server; to be called once
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
