import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../shared/process/errors.ts';
import { isAlive } from '../../shared/process/is-alive.ts';
import { delay, runCommand } from './child-process.ts';

/**
 * `<data directory>/pid` holds two numbers: the server that uses the directory, and the process that
 * started it. The file outlives a crash, and a number may belong to something else by then.
 */
const pidFile = (directory: string): string => join(directory, 'pid');

/** A server whose parent was killed ends by itself, in less time than this. */
export const ORPHAN_MILLIS = 15_000;
const POLL_MILLIS = 50;

const commandLineOf = async (pid: number): Promise<string> => {
  try {
    return (await readFile(`/proc/${String(pid)}/cmdline`, 'utf8')).replaceAll('\0', ' ');
  } catch {
    return (await runCommand('ps', ['-p', String(pid), '-o', 'command='])).output;
  }
};

/** It is the server if it lives and its command line holds the mark. */
const serves = async (pid: number, mark: string): Promise<boolean> =>
  pid > 0 && isAlive(pid) && (await commandLineOf(pid)).includes(mark);

/**
 * The process id of the server that uses the data directory, or null. A server whose parent has
 * gone is about to end: its end is awaited.
 */
const userOf = async (directory: string, mark: string): Promise<number | null> => {
  const text = await readFile(pidFile(directory), 'utf8').catch(() => '');
  const [pid = 0, parent = 0] = text.split(' ').map(Number);
  const giveUpAt = Date.now() + ORPHAN_MILLIS;
  while (await serves(pid, mark)) {
    if (isAlive(parent) || Date.now() > giveUpAt) return pid;
    await delay(POLL_MILLIS);
  }
  return null;
};

/**
 * `mark` is what the command line of such a server holds.
 * @throws UserError, with the process to stop, if a server uses the data directory
 */
export const checkUnused = async (
  what: string,
  directory: string,
  mark: string = directory,
): Promise<void> => {
  const user = await userOf(directory, mark);
  if (user === null) return;
  throw new UserError(
    `${what} already runs in ${directory}, as process ${String(user)}: stop it, or choose another directory.`,
  );
};

/** Whether the last user of the directory did not stop cleanly: its file is still there. */
export const hasEndedBadly = (directory: string): Promise<boolean> =>
  access(pidFile(directory)).then(
    () => true,
    () => false,
  );

/** Says that the server `pid`, which its parent started, uses the directory. */
export const writePid = (
  directory: string,
  pid: number,
  parent: number = process.pid,
): Promise<void> => writeFile(pidFile(directory), `${String(pid)} ${String(parent)}\n`);

export const removePid = (directory: string): Promise<void> =>
  rm(pidFile(directory), { force: true });
