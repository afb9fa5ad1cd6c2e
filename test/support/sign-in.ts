import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { millis } from '../../services/shared/model/time.ts';
import {
  ensureLocalKey,
  LOCAL_AUDIENCE,
  LOCAL_ISSUER,
  localToken,
  publicKeyFile,
  signInDirectory,
} from '../../services/shared/sign-in/local-sign-in.ts';
import type { Role } from '../../services/shared/sign-in/roles.ts';
import { keysInFile } from '../../services/shared/sign-in/signing-keys.ts';
import { verifyToken } from '../../services/shared/sign-in/verify-token.ts';
import type { CallerTools } from '../../services/usage-api/caller.ts';

/** A key of a test's own, with which it signs tokens. */
export interface TestSignIn {
  /** A directory as that of the local stack. */
  readonly local: string;
  /** For a process of the usage API. */
  readonly environment: Readonly<Record<string, string>>;
  /** For a usage API in this process. */
  readonly signIn: NonNullable<CallerTools['signIn']>;
  /** The headers of somebody who has a role on subscriptions. */
  headersOf(role: Role, ...subscriptions: readonly string[]): Promise<Record<string, string>>;
  close(): Promise<void>;
}

export const openTestSignIn = async (): Promise<TestSignIn> => {
  const local = await mkdtemp(join(tmpdir(), 'usage-sign-in-'));
  const directory = signInDirectory(local);
  await ensureLocalKey(directory);
  const rules = {
    issuer: LOCAL_ISSUER,
    audience: LOCAL_AUDIENCE,
    clockSkewSeconds: 60,
    keys: keysInFile(publicKeyFile(directory)),
    now: () => millis(Date.now()),
  };
  return {
    environment: { USAGE_API_JWKS: publicKeyFile(directory) },
    signIn: (authorization) => verifyToken(authorization, rules),
    headersOf: async (role, ...subscriptions) => {
      const token = await localToken(directory, {
        subscriptions,
        role,
        lifetimeSeconds: 3600,
        audience: LOCAL_AUDIENCE,
        subject: 'test',
        now: Date.now(),
      });
      return { authorization: `Bearer ${token}` };
    },
    local,
    close: () => rm(local, { recursive: true }),
  };
};
