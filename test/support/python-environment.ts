import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../services/development/local/child-process.ts';
import { withLock } from '../../services/shared/process/lock.ts';

/** Runs a program to its end, and returns what it printed. */
export const runProgram = async (command: string, args: readonly string[]): Promise<string> => {
  const { code, missing, output } = await runCommand(command, args);
  if (code === 0) return output;
  throw new Error(
    missing
      ? `${command} is not installed: install Python 3 with venv (apt-get install python3-venv)`
      : `${command} ${args.join(' ')} failed:\n${output}`,
  );
};

/**
 * An environment of Python in a cache, made once.
 * @param name other packages need another name
 * @param install what `pip install` is given, and what is done with the new Python then
 * @returns the directory of its programs
 */
export const pythonEnvironment = async (
  name: string,
  install: readonly string[],
  finish: (python: string) => Promise<unknown> = () => Promise.resolve(),
): Promise<string> => {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'usage-pipeline');
  await mkdir(cache, { recursive: true });
  const environment = join(cache, name);
  const programs = join(environment, 'bin');
  const python = join(programs, 'python');
  await withLock(`${environment}.lock`, async () => {
    if (existsSync(join(environment, 'ready'))) return;
    console.log(
      `Installing ${install.filter((each) => !each.startsWith('-')).join(' and ')} from PyPI …`,
    );
    await runProgram('python3', ['-m', 'venv', '--clear', environment]);
    await runProgram(python, ['-m', 'pip', 'install', '-q', ...install]);
    await finish(python);
    await writeFile(join(environment, 'ready'), '');
  });
  return programs;
};
