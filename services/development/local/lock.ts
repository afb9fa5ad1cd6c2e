import { readlink, rm, symlink } from 'node:fs/promises';
import { UserError } from '../../shared/process/errors.ts';
import { delay, isAlive } from './child-process.ts';

const POLL_MILLIS = 50;

/** Longer than starting a server, or fetching Kafka over a slow line, takes. */
const PATIENCE_MILLIS = 300_000;

/**
 * Runs `work` while no other process of this machine runs one under the same path. The lock is a symbolic
 * link to its holder's process id: it is made in one step, is never empty, and is void once its holder is
 * dead.
 * @throws UserError after five minutes: the holder hangs, or its number now belongs to another process
 */
export const withLock = async <Result>(
  path: string,
  work: () => Promise<Result>,
): Promise<Result> => {
  const giveUpAt = Date.now() + PATIENCE_MILLIS;
  while (!(await take(path))) {
    const holder = Number(await readlink(path).catch(() => ''));
    if (Date.now() > giveUpAt) {
      throw new UserError(
        `Process ${String(holder)} holds ${path}: end it, or remove that file if it is about something else.`,
      );
    }
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
