import { readFileSync, statSync } from 'node:fs';
import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { messageOf, UserError } from '../process/errors.ts';

/** The algorithms of tokens. A public key can be used for no other one, and never as a shared secret. */
export const ALGORITHMS = ['RS256', 'ES256'] as const;

/** The keys could not be looked up: nobody can say whether a token is good. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

const FETCH_MILLIS = 5_000;

const publicKey = z
  .discriminatedUnion('kty', [
    z.looseObject({
      kty: z.literal('RSA'),
      // 2048 bits are 342 letters; shorter keys can be broken.
      n: z.string().min(342, { error: 'an RSA key must have at least 2048 bits' }),
      e: z.string(),
    }),
    z.looseObject({
      kty: z.literal('EC'),
      crv: z.literal('P-256'),
      x: z.string(),
      y: z.string(),
    }),
  ])
  .refine((key) => !('d' in key), { message: 'a private key has no place here' });

const keySetSchema = z.object({
  keys: z.array(publicKey).min(1, { error: 'it has no key' }),
});

/**
 * The public keys in a JWKS file. The file is looked at for every token, and read again when it has changed:
 * keys can be replaced while the service runs, and a key that was removed is refused from then on.
 * @throws UserError if it cannot be used
 */
export const keysInFile = (path: string): JWTVerifyGetKey => {
  let read = readKeys(path);
  return async (header, token) => {
    try {
      if (stampOf(path) !== read.stamp) read = readKeys(path);
    } catch (cause) {
      throw new KeysUnavailable(messageOf(cause), { cause });
    }
    return read.keys(header, token);
  };
};

interface ReadKeys {
  readonly keys: JWTVerifyGetKey;
  readonly stamp: string;
}

/** Differs when a file was written, or another one has taken its place, even with its time and its size. */
const stampOf = (path: string): string => {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
};

const readKeys = (path: string): ReadKeys => {
  try {
    const stamp = stampOf(path); // before reading: what is written meanwhile is read the next time
    const { keys } = keySetSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    return { keys: createLocalJWKSet({ keys }), stamp };
  } catch (cause) {
    const problem = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw new UserError(
      `The public keys of sign-in in ${path} cannot be used: ${problem.replace(/\s*\n\s*/g, ' ')}. USAGE_API_JWKS must be the path or URL of a JSON Web Key Set with RSA or P-256 keys`,
      { cause },
    );
  }
};

/** The public keys at a URL. They are fetched when they are needed, kept, and fetched again for a new key. */
export const keysAtUrl = (url: string): JWTVerifyGetKey => {
  const keys = createRemoteJWKSet(new URL(url), { timeoutDuration: FETCH_MILLIS });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (cause) {
      const isAnswer =
        cause instanceof errors.JWKSNoMatchingKey ||
        cause instanceof errors.JWKSMultipleMatchingKeys;
      if (isAnswer) throw cause;
      throw new KeysUnavailable(`${url}: ${messageOf(cause)}`, { cause });
    }
  };
};
