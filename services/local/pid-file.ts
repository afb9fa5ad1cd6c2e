import { readFile, rm, writeFile } from 'node:fs/promises';
import { isAlive, runCommand } from './child-process.ts';

/**
 * `<data directory>/pid` names the process that uses the directory. It outlives a crash, so a
 * reader checks that the process lives and that its command line mentions the directory: the
 * number may belong to something else by now.
 */
const pidFile = (directory: string): string => `${directory}/pid`;

const commandLineOf = async (pid: number): Promise<string> => {
  try {
    return (await readFile(`/proc/${String(pid)}/cmdline`, 'utf8')).replaceAll('\0', ' ');
  } catch {
    return (await runCommand('ps', ['-p', String(pid), '-o', 'command='])).output;
  }
};

/** The process that uses the data directory now, or null. */
export const userOf = async (directory: string): Promise<number | null> => {
  const text = await readFile(pidFile(directory), 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  if (!Number.isSafeInteger(pid) || pid <= 0 || !isAlive(pid)) return null;
  return (await commandLineOf(pid)).includes(directory) ? pid : null;
};

export const writePid = (directory: string, pid: number): Promise<void> =>
  writeFile(pidFile(directory), `${String(pid)}\n`);

export const removePid = (directory: string): Promise<void> =>
  rm(pidFile(directory), { force: true });
