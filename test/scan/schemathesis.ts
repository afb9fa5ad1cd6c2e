import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../services/development/local/child-process.ts';
import { withLock } from '../../services/shared/process/lock.ts';

const PACKAGE = 'schemathesis==4.32.5';

const run = async (command: string, args: readonly string[]): Promise<void> => {
  const { code, missing, output } = await runCommand(command, args);
  if (code === 0) return;
  throw new Error(
    missing
      ? `${command} is not installed: install Python 3 with venv (apt-get install python3-venv)`
      : `${command} ${args.join(' ')} failed:\n${output}`,
  );
};

/** Installs schemathesis from PyPI into a cache, once. Returns the path of its program. */
export const schemathesis = async (): Promise<string> => {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'usage-pipeline');
  await mkdir(cache, { recursive: true });
  const environment = join(cache, PACKAGE.replace('==', '-'));
  await withLock(`${environment}.lock`, async () => {
    if (existsSync(join(environment, 'ready'))) return;
    console.log(`Installing ${PACKAGE} from PyPI …`);
    await run('python3', ['-m', 'venv', '--clear', environment]);
    await run(join(environment, 'bin', 'python'), ['-m', 'pip', 'install', '-q', PACKAGE]);
    await writeFile(join(environment, 'ready'), '');
  });
  return join(environment, 'bin', 'schemathesis');
};
