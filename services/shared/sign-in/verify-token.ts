import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { fail, succeed, type Result } from '../model/result.ts';
import type { Millis } from '../model/time.ts';
import { roleSubscriptions, type RoleSubscriptions } from './roles.ts';
import { ALGORITHMS } from './signing-keys.ts';

export interface TokenRules {
  readonly issuer: string;
  readonly audience: string;
  readonly clockSkewSeconds: number;
  readonly keys: JWTVerifyGetKey;
  readonly now: () => Millis;
}

/** Who a token was made for. */
export interface Identity {
  /** For messages: printable, and not long. */
  readonly name: string;
  readonly objectId: string;
  readonly roles: RoleSubscriptions;
  /** The subscriptions in which it may change something. */
  readonly changes: RoleSubscriptions;
}

/** Why a request carries no identity. */
export type TokenProblem =
  | { readonly kind: 'missing' }
  | { readonly kind: 'expired'; readonly expiredAt: Millis }
  | { readonly kind: 'not-yet-valid' | 'audience' | 'issuer' | 'invalid' };

const BEARER = /^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i;

/**
 * Who sent a request, by its `Authorization` header.
 * @throws KeysUnavailable if the issuer's keys cannot be looked up
 */
export const verifyToken = async (
  authorization: string | null,
  rules: TokenRules,
): Promise<Result<Identity, TokenProblem>> => {
  if (authorization === null || authorization.trim() === '') return fail({ kind: 'missing' });
  const [, token] = BEARER.exec(authorization.trim()) ?? [];
  if (token === undefined) return fail({ kind: 'invalid' });
  try {
    const { payload } = await jwtVerify(token, rules.keys, {
      algorithms: [...ALGORITHMS],
      issuer: rules.issuer,
      audience: rules.audience,
      clockTolerance: rules.clockSkewSeconds,
      // eslint-disable-next-line no-restricted-syntax -- the library takes no instant
      currentDate: new Date(rules.now()),
      requiredClaims: ['exp'],
    });
    return succeed(identityOf(payload));
  } catch (error) {
    const problem = problemOf(error);
    if (problem === null) throw error;
    return fail(problem);
  }
};

/** What an error of the library says about a token; null for an error that says nothing about it. */
const problemOf = (error: unknown): TokenProblem | null => {
  if (error instanceof errors.JWTExpired) {
    return { kind: 'expired', expiredAt: ((error.payload.exp ?? 0) * 1000) as Millis };
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud') return { kind: 'audience' };
    if (error.claim === 'iss') return { kind: 'issuer' };
    return { kind: error.claim === 'nbf' ? 'not-yet-valid' : 'invalid' };
  }
  return error instanceof errors.JOSEError ? { kind: 'invalid' } : null;
};

const MAX_NAME = 128;

const identityOf = (claims: JWTPayload): Identity => {
  const textOf = (...names: readonly string[]): string => {
    const found = names.map((name) => claims[name]).find((value) => typeof value === 'string');
    return typeof found === 'string' ? found.slice(0, MAX_NAME).replace(/[^\x20-\x7e]/g, '?') : '';
  };
  return {
    name: textOf('upn', 'preferred_username', 'appid', 'azp', 'sub'),
    objectId: textOf('oid', 'sub'),
    roles: roleSubscriptions(claims['roles']),
    changes: roleSubscriptions(claims['roles'], ['Owner', 'Contributor']),
  };
};
