import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A request as it came. */
export interface Asked {
  readonly method: string;
  /** Path and query, byte for byte. */
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | null;
  /** `x-ms-requestid` and `x-ms-correlationid`. */
  readonly ids: readonly string[];
  readonly body: string;
}

/** What to answer; `close` breaks the connection, `hang` never answers. */
export type Answer =
  | 'close'
  | 'hang'
  | {
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body: string;
    };

export interface ScriptedServer {
  readonly url: string;
  readonly asked: readonly Asked[];
  close(): Promise<void>;
}

/** An HTTP server that answers what a test tells it to. With a certificate, an HTTPS server. */
export const scriptedServer = async (
  answer: (asked: Asked, nth: number) => Answer,
  tls: { readonly key: string; readonly cert: string } | null = null,
): Promise<ScriptedServer> => {
  const asked: Asked[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const chunk of request) body += (chunk as Buffer).toString('utf8');
    const url = new URL(request.url ?? '', 'http://localhost');
    const one: Asked = {
      method: request.method ?? '',
      target: request.url ?? '',
      path: url.pathname,
      query: url.searchParams,
      authorization: request.headers.authorization ?? null,
      ids: ['x-ms-requestid', 'x-ms-correlationid'].map((name) =>
        String(request.headers[name] ?? ''),
      ),
      body,
    };
    asked.push(one);
    const given = answer(one, asked.length - 1);
    if (given === 'close') request.socket.destroy();
    else if (given !== 'hang') {
      response.writeHead(given.status ?? 200, {
        'content-type': 'application/json',
        ...given.headers,
      });
      response.end(given.body);
    }
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch(() => response.destroy());
  };
  const server = tls === null ? createServer(listener) : createSecureServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http${tls === null ? '' : 's'}://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
