import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { END_WITH_PARENT } from '../../services/development/local/child-process.ts';
import { nodeArguments } from '../../services/shared/process/repository.ts';

/** A Commerce mock that runs as a process of its own, on a free port. */
export interface CommerceProcess {
  readonly url: string;
  readonly pid: number;
  /** Sends a signal, and tells how the process ended: its exit code, or the signal. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

/** Settings are environment variables; `COMMERCE_DATA_DIR` must be one of them. */
export type CommerceSettings = Readonly<Record<string, string>> & {
  readonly COMMERCE_DATA_DIR: string;
};

const launch = (settings: CommerceSettings): ChildProcess =>
  spawn(
    process.execPath,
    [END_WITH_PARENT, ...nodeArguments('services/development/commerce/main.ts')],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], COMMERCE_PORT: '0', ...settings },
    },
  );

const ended = (child: ChildProcess): Promise<number | NodeJS.Signals> =>
  new Promise((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal ?? -1));
  });

/** Starts it and waits until it is ready. Rejects, with what it said, where it ends before. */
export const startCommerce = async (settings: CommerceSettings): Promise<CommerceProcess> => {
  const child = launch(settings);
  const exit = ended(child);
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  const url = await new Promise<string>((resolve, reject) => {
    if (child.stdout === null) throw new Error('the process has no output');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { msg, url } = JSON.parse(line) as { readonly msg?: string; readonly url?: string };
      if (msg === 'ready' && url !== undefined) resolve(url);
    });
    void exit.then((how) => reject(new Error(`commerce ended with ${String(how)}: ${said}`)));
  });
  if (child.pid === undefined) throw new Error('commerce could not be started');
  return {
    url,
    pid: child.pid,
    end: (signal) => {
      child.kill(signal);
      return exit;
    },
  };
};

/** Starts it where it cannot run, and tells its exit code and what it said on standard error. */
export const failToStartCommerce = async (
  settings: CommerceSettings,
): Promise<{ readonly code: number | NodeJS.Signals; readonly said: string }> => {
  const child = launch(settings);
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  return { code: await ended(child), said };
};
