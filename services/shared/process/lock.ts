import { readlink, rm, symlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from './errors.ts';
import { isAlive } from './is-alive.ts';

const POLL_MILLIS = 50;

/** Longer than starting a server, or fetching Kafka over a slow line, takes. */
const PATIENCE_MILLIS = 300_000;

/**
 * Runs `work` while no other process of this machine runs one under the same path. The lock is a symbolic
 * link to its holder's process id: it is made in one step, is never empty, and is void once its holder is
 * dead.
 * @throws UserError when patience ends: the holder is slow or hangs, or its number now belongs to another process
 */
export const withLock = async <Result>(
  path: string,
  work: () => Promise<Result>,
  patienceMillis = PATIENCE_MILLIS,
): Promise<Result> => {
  const giveUpAt = Date.now() + patienceMillis;
  while (!(await take(path))) {
    const holder = Number(await readlink(path).catch(() => ''));
    if (holder > 0 && !isAlive(holder)) {
      await rm(path, { force: true });
      continue;
    }
    if (Date.now() > giveUpAt) {
      throw new UserError(
        `Process ${String(holder)} holds ${path}: end it, or remove that file if it is about something else.`,
      );
    }
    await delay(POLL_MILLIS);
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
