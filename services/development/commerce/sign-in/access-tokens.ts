import { randomBytes, randomUUID } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { fail, succeed, type Result } from '../../../shared/model/result.ts';
import type { Millis } from '../../../shared/model/time.ts';
import type { Store } from '../store.ts';
import type { Client } from './token-request.ts';

const ALGORITHM = 'HS256';
const KEY = '!key';

/** Who calls: the client of an access token; null for the fixed token, and where none is needed. */
export interface Caller {
  readonly clientId: string | null;
  readonly tokenId: string | null;
}

export type TokenProblem = 'missing' | 'invalid' | 'expired';

export interface IssuedToken {
  readonly text: string;
  readonly notBefore: number;
  readonly expiresOn: number;
}

/**
 * Access tokens, signed with a key of this store: they are good after a restart too. Callers must not look
 * into them; Azure's have other claims and another algorithm.
 */
export class AccessTokens {
  private readonly key: Uint8Array;
  private readonly lifetimeSeconds: number;
  /** Only a test refuses a token before its time; it is forgotten when the process ends. */
  private readonly revoked = new Set<string>();

  private constructor(key: Uint8Array, lifetimeSeconds: number) {
    this.key = key;
    this.lifetimeSeconds = lifetimeSeconds;
  }

  static async load(store: Store, lifetimeSeconds: number): Promise<AccessTokens> {
    const stored = await store.db.get(KEY);
    const key = stored ?? randomBytes(32).toString('base64');
    if (stored === undefined) await store.write([{ type: 'put', key: KEY, value: key }]);
    return new AccessTokens(Buffer.from(key, 'base64'), lifetimeSeconds);
  }

  async issue({ clientId, tenantId }: Client, resource: string, now: Millis): Promise<IssuedToken> {
    const notBefore = Math.floor(now / 1000);
    const expiresOn = notBefore + this.lifetimeSeconds;
    const text = await new SignJWT({ appid: clientId, tid: tenantId, ver: '1.0' })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setIssuer(`https://sts.windows.net/${tenantId}/`)
      .setAudience(resource)
      .setJti(randomUUID())
      .setIssuedAt(notBefore)
      .setNotBefore(notBefore)
      .setExpirationTime(expiresOn)
      .sign(this.key);
    return { text, notBefore, expiresOn };
  }

  async verify(token: string, now: Millis): Promise<Result<Caller, TokenProblem>> {
    try {
      const { payload } = await jwtVerify(token, this.key, {
        algorithms: [ALGORITHM],
        requiredClaims: ['exp', 'jti', 'appid'],
        // eslint-disable-next-line no-restricted-syntax -- the library takes no instant
        currentDate: new Date(now),
      });
      const { jti = '', appid } = payload;
      if (this.revoked.has(jti)) return fail('expired');
      return succeed({ clientId: String(appid), tokenId: jti });
    } catch (error) {
      if (error instanceof errors.JWTExpired) return fail('expired');
      if (error instanceof errors.JOSEError) return fail('invalid');
      throw error;
    }
  }

  revoke(tokenId: string): void {
    this.revoked.add(tokenId);
  }
}
