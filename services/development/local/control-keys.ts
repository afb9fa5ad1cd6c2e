import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * The key that signs the local stack's control records: made once, readable by its owner alone. It
 * must live as long as the topics that it has signed in.
 */
export const localControlKeys = async (path: string): Promise<string> => {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const keys = `local:${randomBytes(32).toString('hex')}`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${keys}\n`, { mode: 0o600 });
  return keys;
};
