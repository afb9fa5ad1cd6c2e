import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, importJWK, SignJWT, type JWK } from 'jose';
import { makeDirectory } from '../process/directory.ts';
import { messageOf, UserError } from '../process/errors.ts';
import { ANYBODY_READS, OWNER_ONLY, replaceFile } from '../process/replace-file.ts';
import { roleClaim, type Role } from './roles.ts';

/** The issuer of tokens that are made on this machine, and for whom they are. */
export const LOCAL_ISSUER = 'urn:usage-pipeline:local';
export const LOCAL_AUDIENCE = 'urn:usage-pipeline:usage-api';

const ALGORITHM = 'ES256';
const WHAT = 'The key of the local sign-in';
const SETTING = 'USAGE_LOCAL_DIR';

/** The public key, as a JWKS. */
export const publicKeyFile = (directory: string): string => join(directory, 'public-keys.json');

const privateKeyFile = (directory: string): string => join(directory, 'private-key.json');

/** Where the local stack keeps the key, in its own directory. */
export const signInDirectory = (local: string): string => join(local, 'sign-in');

/**
 * Makes a key with which tokens are signed on this machine, unless there is one. Only its owner can read
 * the private part.
 * @throws UserError if it cannot be read or made
 */
export const ensureLocalKey = async (directory: string): Promise<void> => {
  let key = await readPrivateKey(directory);
  if (key === null) {
    await makeDirectory(WHAT, directory, SETTING);
    const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
    key = { ...(await exportJWK(privateKey)), alg: ALGORITHM, use: 'sig', kid: randomUUID() };
    await replaceFile(privateKeyFile(directory), JSON.stringify(key), OWNER_ONLY);
  }
  const { d: _, ...publicKey } = key;
  const published = `${JSON.stringify({ keys: [publicKey] })}\n`;
  await replaceFile(publicKeyFile(directory), published, ANYBODY_READS);
};

const readPrivateKey = async (directory: string): Promise<JWK | null> => {
  const path = privateKeyFile(directory);
  try {
    return JSON.parse(await readFile(path, 'utf8')) as JWK;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new UserError(
      `${WHAT} in ${path} cannot be read (${messageOf(cause)}): correct its permissions, or remove it, which makes all tokens invalid`,
      { cause },
    );
  }
};

export interface LocalTokenOptions {
  readonly subscriptions: readonly string[];
  readonly role: Role;
  readonly lifetimeSeconds: number;
  readonly audience: string;
  /** The person or program that it is for. */
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * A token that is signed with the key of this machine.
 * @throws UserError if there is no key
 */
export const localToken = async (
  directory: string,
  { subscriptions, role, lifetimeSeconds, audience, subject, now }: LocalTokenOptions,
): Promise<string> => {
  const key = await readPrivateKey(directory);
  if (key === null) {
    throw new UserError(
      `There is no key in ${directory} to sign a token with: "npm start" makes one. The usage API of another machine accepts tokens of its own issuer only (USAGE_API_ISSUER)`,
    );
  }
  const issuedAt = Math.floor(now / 1000);
  return new SignJWT({ roles: subscriptions.map((each) => roleClaim(each, role)) })
    .setProtectedHeader({ alg: ALGORITHM, kid: key.kid ?? '', typ: 'JWT' })
    .setIssuer(LOCAL_ISSUER)
    .setAudience(audience)
    .setSubject(subject)
    .setIssuedAt(issuedAt)
    .setNotBefore(issuedAt)
    .setExpirationTime(issuedAt + lifetimeSeconds)
    .sign(await importJWK(key, ALGORITHM));
};
