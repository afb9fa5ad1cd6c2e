import { readlink, rm, symlink } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from './errors.ts';
import { isAlive } from './is-alive.ts';

const POLL_MILLIS = 50;

/** Longer than starting a server, or fetching Kafka over a slow line, takes. */
const PATIENCE_MILLIS = 300_000;

/** What this process holds or waits to take, by its whole path. */
const ours = new Set<string>();

/**
 * Runs `work` while no other process of this machine, and nobody else in this one, runs one under the same path. The lock is a symbolic
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
  const wait = async (holder: number): Promise<void> => {
    if (Date.now() > giveUpAt) {
      throw new UserError(
        `Process ${String(holder)} holds ${path}: end it, or remove that file if it is about something else.`,
      );
    }
    await delay(POLL_MILLIS);
  };
  const name = resolve(path);
  while (ours.has(name)) await wait(process.pid);
  ours.add(name);
  try {
    while (!(await take(path))) {
      const holder = Number(await readlink(path).catch(() => ''));
      // Nobody else here has it, so our own number is that of an earlier process: in containers they often have the same one.
      const isVoid = holder > 0 && (holder === process.pid || !isAlive(holder));
      if (isVoid) await rm(path, { force: true });
      else await wait(holder);
    }
    try {
      return await work();
    } finally {
      await rm(path, { force: true });
    }
  } finally {
    ours.delete(name);
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
