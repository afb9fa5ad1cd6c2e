import { readlink, rm, symlink } from 'node:fs/promises';
import { delay, isAlive } from './child-process.ts';

const POLL_MILLIS = 50;

/**
 * Runs `work` while no other process of this machine runs one under the same path. The lock is a
 * symbolic link to its holder's process id: made in one step, never empty, and worth nothing once
 * its holder is dead. Only the wait is endless, as long as the holder lives.
 */
export const withLock = async <Result>(
  path: string,
  work: () => Promise<Result>,
): Promise<Result> => {
  while (!(await take(path))) {
    const holder = Number(await readlink(path).catch(() => ''));
    if (holder > 0 && !isAlive(holder)) await rm(path, { force: true });
    else await delay(POLL_MILLIS);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
};

const take = async (path: string): Promise<boolean> => {
  try {
    await symlink(String(process.pid), path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
};
