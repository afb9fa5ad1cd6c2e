import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import {
  request as callHttp,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { localCertificates } from '../../services/development/local/certificates.ts';

/** HTTPS before an HTTP ClickHouse, with a user of its own. */
export interface HttpsFront {
  readonly url: string;
  readonly caFile: string;
  readonly user: string;
  readonly password: string;
  /** How many requests came with its login. */
  served(): number;
  close(): Promise<void>;
}

interface Behind {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

const USER = 'usage_pipeline';
const PASSWORD = 'a pass: "word"';

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** As ClickHouse refuses a login. */
const refuse = (response: ServerResponse): void => {
  response.writeHead(403, { 'x-clickhouse-exception-code': '516' });
  response.end(
    'Code: 516. DB::Exception: usage_pipeline: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)',
  );
};

/** The client's own headers for a login over TLS, or basic authorization. */
const hasLogin = ({ headers }: IncomingMessage): boolean =>
  headers.authorization === basic(USER, PASSWORD) ||
  (headers['x-clickhouse-user'] === USER && headers['x-clickhouse-key'] === PASSWORD);

const forward = (request: IncomingMessage, response: ServerResponse, behind: Behind): void => {
  const { hostname, port, host } = new URL(behind.url);
  const headers: IncomingHttpHeaders = {
    ...request.headers,
    host,
    authorization: basic(behind.user, behind.password),
  };
  delete headers['x-clickhouse-user'];
  delete headers['x-clickhouse-key'];
  const call = callHttp(
    { hostname, port, method: request.method, path: request.url, headers },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      pipeline(answer, response, () => undefined); // a caller that leaves ends both
    },
  );
  call.once('error', () => response.destroy());
  pipeline(request, call, () => undefined);
};

/** What a proxy does: takes TLS away, knows users of its own, and passes on. */
export const openHttpsFront = async (directory: string, behind: Behind): Promise<HttpsFront> => {
  const { ca, certificate, key } = await localCertificates(join(directory, 'front-tls'));
  let served = 0;
  const server = createServer(
    { cert: await readFile(certificate), key: await readFile(key) },
    (request, response) => {
      if (!hasLogin(request)) {
        refuse(response);
        return;
      }
      served++;
      forward(request, response, behind);
    },
  );
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    caFile: ca,
    user: USER,
    password: PASSWORD,
    served: () => served,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
