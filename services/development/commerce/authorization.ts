import { fail, succeed, type Result } from '../../shared/model/result.ts';
import type { Millis } from '../../shared/model/time.ts';
import { isSameSecret } from './secret.ts';
import type { AccessTokens, Caller, TokenProblem } from './sign-in/access-tokens.ts';

export interface AuthorizationRules {
  /** A fixed bearer token; null for none. */
  readonly token: string | null;
  /** The client that gets access tokens; null for none. */
  readonly client: { readonly secret: string; readonly tokens: AccessTokens } | null;
  readonly now: () => Millis;
}

const ANYBODY: Caller = { clientId: null, tokenId: null };

/** Who may call. With neither a fixed token nor a client everybody may. */
export class Authorization {
  private readonly rules: AuthorizationRules;

  constructor(rules: AuthorizationRules) {
    this.rules = rules;
  }

  /** By an `Authorization` header with a bearer token. */
  async bearer(header: string | undefined): Promise<Result<Caller, TokenProblem>> {
    const { token, client, now } = this.rules;
    if (token === null && client === null) return succeed(ANYBODY);
    const given = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
    if (given === undefined) return fail(header ? 'invalid' : 'missing');
    if (token !== null && isSameSecret(token, given)) return succeed(ANYBODY);
    return client === null ? fail('invalid') : client.tokens.verify(given, now());
  }

  /** The same for a browser, which asks for a name, and takes the token or the client's secret as the password. */
  async browser(header: string | undefined): Promise<boolean> {
    const { token, client } = this.rules;
    const password = basicPassword(header);
    if (password !== undefined) {
      return [token, client?.secret ?? null].some(
        (secret) => secret !== null && isSameSecret(secret, password),
      );
    }
    return (await this.bearer(header)).ok;
  }

  /** The token of this caller is refused from now on, as if it had expired. */
  revoke({ tokenId }: Caller): void {
    if (tokenId !== null) this.rules.client?.tokens.revoke(tokenId);
  }
}

const basicPassword = (header: string | undefined): string | undefined => {
  const encoded = /^Basic +(\S+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  return /^[^:]*:(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8'))?.[1] ?? '';
};
