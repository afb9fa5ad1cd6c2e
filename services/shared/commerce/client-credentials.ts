import { z } from 'zod';
import { retryAfterMillis } from '../http/retry-after.ts';
import { fail, succeed, type Result } from '../model/result.ts';
import { causeText } from '../process/errors.ts';
import type { SignInFailure, TokenSource } from './token-source.ts';

/** How the bridge signs in: OAuth's client credentials, as Microsoft Entra's endpoint of version 1 takes them. */
export interface ClientCredentials {
  readonly tokenUrl: string;
  readonly clientId: string;
  /** Read for each token, so that a secret in a file may be changed while the service runs. */
  readonly secret: () => Promise<string>;
  /** The id of the service that the token is for. */
  readonly resource: string;
}

export interface SignInOptions {
  readonly requestMillis: number;
  readonly now: () => number;
}

/** A token is renewed so long before its end, or after nine tenths of its time if that is later. */
const MARGIN = 300_000;
/** While an old token still holds, a renewal that failed is tried again after this. */
const RENEW_AGAIN = 30_000;
const MAX_SAID = 200;

interface Token {
  readonly text: string;
  readonly expiresAt: number;
  renewAt: number;
}

/** `expires_in` is a text in version 1. */
const tokenSchema = z.object({
  access_token: z.string().min(1),
  expires_in: z.coerce.number().positive(),
});

const errorSchema = z.object({ error: z.string(), error_description: z.string().default('') });

/**
 * Gets tokens, and keeps each until shortly before its end. However many ask at once, one of them is got.
 */
export class ClientCredentialTokens implements TokenSource {
  private readonly credentials: ClientCredentials;
  private readonly options: SignInOptions;
  private current: Token | null = null;
  private renewal: Promise<Result<Token, SignInFailure>> | null = null;

  constructor(credentials: ClientCredentials, options: SignInOptions) {
    this.credentials = credentials;
    this.options = options;
  }

  async token(): Promise<Result<string, SignInFailure>> {
    const { current } = this;
    if (current !== null && this.options.now() < current.renewAt) return succeed(current.text);
    this.renewal ??= this.renew().finally(() => {
      this.renewal = null;
    });
    const renewed = await this.renewal;
    if (renewed.ok) return succeed(renewed.value.text);
    const now = this.options.now();
    if (current === null || current !== this.current || now >= current.expiresAt) return renewed;
    current.renewAt = now + RENEW_AGAIN;
    return succeed(current.text);
  }

  refused(token: string): boolean {
    // Perhaps another request has it renewed already.
    if (this.current?.text === token) this.current = null;
    return true;
  }

  private async renew(): Promise<Result<Token, SignInFailure>> {
    const { requestMillis, now } = this.options;
    const asked = now();
    const got = await requestToken(this.credentials, requestMillis);
    if (!got.ok) return got;
    const lifetime = got.value.expires_in * 1000;
    this.current = {
      text: got.value.access_token,
      expiresAt: asked + lifetime,
      renewAt: asked + Math.max(lifetime - MARGIN, lifetime * 0.9),
    };
    return succeed(this.current);
  }
}

const problem = (
  handling: SignInFailure['handling'],
  reason: string,
  retryAfter: number | null = null,
): SignInFailure => ({ handling, reason, retryAfter });

const requestToken = async (
  { tokenUrl, clientId, secret, resource }: ClientCredentials,
  requestMillis: number,
): Promise<Result<z.output<typeof tokenSchema>, SignInFailure>> => {
  let clientSecret: string;
  try {
    clientSecret = await secret();
  } catch (error) {
    return fail(
      problem('ask-a-person', `the secret of the client cannot be read (${causeText(error)})`),
    );
  }
  try {
    const response = await fetch(tokenUrl, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: clientSecret,
        resource,
      }),
      signal: AbortSignal.timeout(requestMillis),
    });
    return readTokenAnswer(tokenUrl, response, await response.text(), clientSecret);
  } catch (error) {
    return fail(
      problem('wait', `the token endpoint ${tokenUrl} does not answer (${causeText(error)})`),
    );
  }
};

/** What a refusal says stands in logs, so nothing secret may be left in it. */
const readTokenAnswer = (
  url: string,
  { status, headers }: Response,
  body: string,
  secret: string,
): Result<z.output<typeof tokenSchema>, SignInFailure> => {
  const answered = `the token endpoint ${url} answered ${String(status)}`;
  if (status === 200) {
    const token = tokenSchema.safeParse(parsed(body));
    return token.success
      ? succeed(token.data)
      : fail(problem('ask-a-person', `${answered}, and no token: set COMMERCE_TOKEN_URL`));
  }
  if (status === 408 || status === 429 || status >= 500) {
    return fail(
      problem('wait', answered, retryAfterMillis(headers.get('retry-after'), Date.now())),
    );
  }
  const error = errorSchema.safeParse(parsed(body));
  if (!error.success) {
    return fail(
      problem('ask-a-person', `${answered}: set COMMERCE_TOKEN_URL or COMMERCE_TENANT_ID`),
    );
  }
  const said = `${error.data.error}: ${error.data.error_description}`
    .replaceAll(secret, '…')
    .replace(/\s+/g, ' ')
    .slice(0, MAX_SAID);
  return fail(
    problem(
      'ask-a-person',
      `${answered} (${said}): set COMMERCE_CLIENT_ID and COMMERCE_CLIENT_SECRET`,
    ),
  );
};

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};
