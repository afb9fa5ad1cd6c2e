import { spawn } from 'node:child_process';
import { UserError } from '../../shared/process/errors.ts';
import { inRepository, nodeArguments } from '../../shared/process/repository.ts';
import { END_WITH_PARENT } from './child-process.ts';

/** Runs the command line as a person would. Returns what it printed; throws what it refused. */
export const runUsagectl = (...args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const program = nodeArguments('services/cli/main.ts');
    const child = spawn(process.execPath, [END_WITH_PARENT, ...program, ...args], {
      cwd: inRepository('.'),
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C in a terminal is for the supervisor. It must not interrupt an import.
      detached: true,
    });
    let printed = '';
    let problem = '';
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      problem += chunk.toString('utf8');
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(printed.trim());
      else reject(new UserError(problem.trim() || `usagectl ${args.join(' ')} failed`));
    });
  });
