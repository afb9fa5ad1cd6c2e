import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { mainOf, nodeArguments } from '../../../services/shared/process/repository.ts';

/** One of the repository's services that runs as a process of its own. */
export interface ServiceProcess {
  /** Lines that it has logged, as text. */
  readonly log: readonly string[];
  /** Address of its health server, once it is ready. */
  readonly health: string;
  /** Sends a signal, and tells how the process ended: its exit code, or the signal. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

interface Ended {
  readonly how: number | NodeJS.Signals;
  readonly said: string;
}

/** Lines of each process's log that a failing wait shows. */
const SHOWN = 25;

const running = new Map<object, () => string>();

/** The last lines of the services that were started and not ended here: what a test that waits in vain should show. */
export const lastWordsOfServices = (): string =>
  [...running.values()].map((tell) => tell()).join('\n');

const launch = (name: string, environment: Readonly<Record<string, string>>) => {
  const child = spawn(process.execPath, nodeArguments(mainOf(name)), {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'], // over which it notices that this process is gone
    env: { PATH: process.env['PATH'], HEALTH_PORT: '0', ...environment },
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ how: code ?? signal ?? -1, said }));
  });
  return { child, ended };
};

/** Starts a service and waits until it is ready. Rejects, with what it said, where it ends before. */
export const startService = async (
  name: string,
  environment: Readonly<Record<string, string>>,
): Promise<ServiceProcess> => {
  const { child, ended } = launch(name, environment);
  const log: string[] = [];
  let state = 'running';
  running.set(child, () => [`--- ${name}, ${state}:`, ...log.slice(-SHOWN)].join('\n'));
  void ended.then(({ how, said }) => {
    state = `ended by itself with ${String(how)}: ${said}`;
  });
  const health = await new Promise<string>((resolve, reject) => {
    if (child.stdout === null) throw new Error('the process has no output');
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.push(line);
      const { msg, health: url } = JSON.parse(line) as { msg?: string; health?: string };
      if (msg === 'ready') resolve(url ?? '');
    });
    void ended.then(({ how, said }) =>
      reject(new Error(`${name} ended with ${String(how)}: ${said}`)),
    );
  });
  return {
    log,
    health,
    end: async (signal) => {
      running.delete(child);
      child.kill(signal);
      return (await ended).how;
    },
  };
};

/** Starts it where it cannot run, and tells its exit code and what it said on standard error. */
export const failToStart = async (
  name: string,
  environment: Readonly<Record<string, string>>,
): Promise<Ended> => launch(name, environment).ended;
