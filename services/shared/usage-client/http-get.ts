import { request as httpRequest, Agent as HttpAgent, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest, Agent as HttpsAgent } from 'node:https';
import { messageOf } from '../process/errors.ts';
import { fail, succeed, type Result } from '../model/result.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Why there is no answer. */
export interface NoAnswer {
  /** Node's or OpenSSL's code, such as `ECONNREFUSED`. */
  readonly code: string;
  readonly message: string;
}

/** Far more than a page of 1,000 rows. */
const MAX_BYTES = 256 * 1024 * 1024;

/** GET requests to one server over connections that are kept open. */
export class HttpGet {
  private readonly origin: URL;
  private readonly ca: string | null;
  private readonly agent: HttpAgent;

  /** @param ca certificates in PEM that are trusted instead of the system's; null for those of the system */
  constructor(origin: URL, ca: string | null) {
    this.origin = origin;
    this.ca = ca;
    this.agent =
      origin.protocol === 'https:'
        ? new HttpsAgent({ keepAlive: true, ...(ca !== null && { ca }) })
        : new HttpAgent({ keepAlive: true });
  }

  /**
   * @param path with its query, sent as it stands
   * @param timeoutMillis for the entire answer
   */
  async get(
    path: string,
    headers: Readonly<Record<string, string>>,
    { timeoutMillis, signal }: { readonly timeoutMillis: number; readonly signal: AbortSignal },
  ): Promise<Result<HttpAnswer, NoAnswer>> {
    const limit = AbortSignal.timeout(timeoutMillis);
    try {
      return succeed(await this.send(path, headers, AbortSignal.any([signal, limit])));
    } catch (error) {
      signal.throwIfAborted();
      if (limit.aborted) {
        const seconds = String(Math.round(timeoutMillis / 1000));
        return fail({ code: 'ETIMEDOUT', message: `no answer within ${seconds} s` });
      }
      const { code } = error as NodeJS.ErrnoException;
      return fail({ code: code ?? '', message: messageOf(error) || (code ?? '') });
    }
  }

  close(): void {
    this.agent.destroy();
  }

  private send(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { protocol, hostname, port } = this.origin;
    const request = protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          hostname: hostname.replace(/^\[|\]$/g, ''),
          port,
          path,
          headers,
          agent: this.agent,
          signal,
          ...(this.ca !== null && { ca: this.ca }),
        },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > MAX_BYTES) response.destroy(new Error('the answer is too large'));
            else chunks.push(chunk);
          });
          response.on('error', reject);
          response.on('end', () => {
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks).toString('utf8'),
            });
          });
        },
      );
      sent.on('error', reject);
      sent.end();
    });
  }
}
