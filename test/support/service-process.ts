import { spawn } from 'node:child_process';
import {
  exitOf,
  serverProcess,
  type ServerProcess,
} from '../../services/development/local/child-process.ts';
import { inRepository, mainOf, nodeArguments } from '../../services/shared/process/repository.ts';
import { waitFor } from './wait-for.ts';

const repository = inRepository('.');

export interface ServiceProcess extends ServerProcess {
  /** All that it has printed. */
  output(): string;
  /** An address in its log, once it has printed it: it is ready, and may say so a moment later. */
  address(field: 'url' | 'health'): Promise<string>;
}

/** Starts one of the services as a process and resolves when it is ready; rejects where it ends before. */
export const startService = async (
  name: string,
  environment: Readonly<Record<string, string>>,
): Promise<ServiceProcess> => {
  const child = spawn(process.execPath, nodeArguments(mainOf(name)), {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '', HEALTH_PORT: '0', ...environment },
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      printed += chunk.toString('utf8');
    });
  }
  const exited = exitOf(child);
  const ready = new Promise<true>((resolve) => child.once('message', () => resolve(true)));
  const first = await Promise.race([ready, exited]);
  if (first !== true || child.pid === undefined) {
    throw new Error(`${name} ended during its start: ${printed}`);
  }
  return {
    ...serverProcess(child.pid, exited),
    output: () => printed,
    address: (field) =>
      waitFor(`${name} prints its ${field}`, () =>
        Promise.resolve(new RegExp(`"${field}":"(http[^"]+)"`).exec(printed)?.[1]),
      ),
  };
};

/** Runs `usagectl` to its end. What it reads from standard input is empty unless it is given. */
export const usagectl = async (
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  input = '',
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> => {
  const child = spawn(process.execPath, ['services/cli/bin/usagectl.mjs', ...args], {
    cwd: repository,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', ...environment },
  });
  child.stdin.on('error', () => undefined); // it may end without having read
  child.stdin.end(input);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code: await closed, stdout, stderr };
};
