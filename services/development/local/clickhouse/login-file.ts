import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OWNER_ONLY, replaceFile } from '../../../shared/process/replace-file.ts';
import type { Login } from './authentication.ts';

/** The engine's only user. It is also ClickHouse's name for callers that name no user. */
const USER = 'default';

const fileIn = (dataDir: string): string => join(dataDir, 'password');

/** The login of a data directory. Only its owner can read the password. */
export const readLogin = async (dataDir: string): Promise<Login> => ({
  user: USER,
  password: (await readFile(fileIn(dataDir), 'utf8')).trim(),
});

/**
 * Creates the password if there is none yet. It lives as long as the data. Call this only while holding the
 * data directory.
 */
export const ensureLogin = async (dataDir: string): Promise<Login> => {
  const path = fileIn(dataDir);
  const found = await readLogin(dataDir).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return null;
  });
  if (found !== null && found.password !== '') return found;
  // Renamed when complete, so that a process that ends in between leaves no empty password.
  await replaceFile(path, `${randomBytes(24).toString('hex')}\n`, OWNER_ONLY);
  return readLogin(dataDir);
};
