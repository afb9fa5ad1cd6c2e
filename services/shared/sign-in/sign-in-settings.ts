import { existsSync } from 'node:fs';
import { z } from 'zod';
import { leadsToLoopback } from '../http/host-name.ts';
import type { Result } from '../model/result.ts';
import { millis } from '../model/time.ts';
import { wholeNumber } from '../process/config.ts';
import { UserError } from '../process/errors.ts';
import { localDirectory } from '../process/local-directory.ts';
import { LOCAL_AUDIENCE, LOCAL_ISSUER, publicKeyFile, signInDirectory } from './local-sign-in.ts';
import { keysAtUrl, keysInFile } from './signing-keys.ts';
import { verifyToken, type Identity, type TokenProblem } from './verify-token.ts';

const isUrl = (text: string): boolean => /^https?:\/\//i.test(text);

/** Keys that travel over plain HTTP could be replaced on the way. */
const isSafe = (text: string): boolean => {
  if (!isUrl(text)) return true;
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return url.protocol === 'https:' || leadsToLoopback(url);
};

export const signInSettings = {
  USAGE_API_SIGN_IN: z
    .enum(['on', 'off'], { error: 'must be on or off' })
    .default('on')
    .transform((text) => text === 'on'),
  /** The issuer's public keys: the path or URL of a JSON Web Key Set; null for the key of this machine. */
  USAGE_API_JWKS: z
    .string()
    .refine(isSafe, {
      message: 'must be the path of a file, an https URL, or an http URL on loopback',
    })
    .optional()
    .transform((text) => text ?? null),
  USAGE_API_ISSUER: z.string().default(LOCAL_ISSUER),
  USAGE_API_AUDIENCE: z.string().default(LOCAL_AUDIENCE),
  /** How far the clocks of the issuer and of this machine may differ. */
  USAGE_API_CLOCK_SKEW_SECONDS: wholeNumber(60, 0, 600),
};

export interface SignInConfig {
  readonly USAGE_API_SIGN_IN: boolean;
  readonly USAGE_API_JWKS: string | null;
  readonly USAGE_API_ISSUER: string;
  readonly USAGE_API_AUDIENCE: string;
  readonly USAGE_API_CLOCK_SKEW_SECONDS: number;
}

/** Who sent a request, by its header `Authorization`, which is null if there is none. */
export type SignIn = (authorization: string | null) => Promise<Result<Identity, TokenProblem>>;

/**
 * How callers sign in; null without sign-in.
 * @throws UserError if the keys cannot be used
 */
export const openSignIn = (config: SignInConfig): SignIn | null => {
  if (!config.USAGE_API_SIGN_IN) return null;
  const at = config.USAGE_API_JWKS ?? localKeys(config);
  const rules = {
    issuer: config.USAGE_API_ISSUER,
    audience: config.USAGE_API_AUDIENCE,
    clockSkewSeconds: config.USAGE_API_CLOCK_SKEW_SECONDS,
    keys: isUrl(at) ? keysAtUrl(at) : keysInFile(at),
    now: () => millis(Date.now()),
  };
  return (authorization) => verifyToken(authorization, rules);
};

const localKeys = ({ USAGE_API_ISSUER: issuer }: SignInConfig): string => {
  if (issuer !== LOCAL_ISSUER) {
    throw new UserError(
      'USAGE_API_ISSUER is set, so USAGE_API_JWKS must be set too: the path or URL of the public keys of that issuer',
    );
  }
  const path = publicKeyFile(signInDirectory(localDirectory()));
  if (existsSync(path)) return path;
  throw new UserError(
    `Nobody can sign in: there is no key in ${path}, which "npm start" makes. Set USAGE_API_JWKS and USAGE_API_ISSUER to those of your issuer of tokens, or USAGE_API_SIGN_IN=off for an API on loopback without sign-in`,
  );
};
