import { spawn, type ChildProcess } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { inRepository } from '../../shared/process/repository.ts';

/**
 * An option for `node`: the process ends with the process that started it, however that ends. For processes
 * without a channel (`ipc`) by which they would notice.
 */
export const END_WITH_PARENT = `--import=${pathToFileURL(inRepository('services/development/local/end-with-parent.mjs')).href}`;

/** How a process ended: its exit code, or the signal that ended it. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Settles when the process has ended, or could not be started at all. */
export const exitOf = (child: ChildProcess): Promise<ProcessExit> =>
  new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => {
      if (child.pid === undefined) resolve({ code: null, signal: null });
    });
  });

/** The result of a command; `missing` if there is no such command. */
export interface CommandResult {
  readonly missing: boolean;
  readonly code: number | null;
  readonly output: string;
}

const MAX_COMMAND_OUTPUT = 64 * 1024;

/**
 * Runs a command until it ends or this process does. `output` has the last 64 Ki characters of stdout and
 * stderr.
 */
export const runCommand = (command: string, args: readonly string[]): Promise<CommandResult> =>
  new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-MAX_COMMAND_OUTPUT);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ missing: error.code === 'ENOENT', code: null, output: error.message }),
    );
    const end = (): boolean => child.kill();
    process.once('exit', end);
    child.once('close', (code) => {
      process.off('exit', end);
      resolve({ missing: false, code, output });
    });
  });

/** Sends a signal. A process that is already gone is not an error. */
export const signalProcess = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

export const delay = (millis: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, millis));

/** Asks a process to stop, and kills it if it has not ended `graceMillis` later. */
export const stopProcess = async (
  pid: number,
  exited: Promise<unknown>,
  graceMillis: number,
): Promise<void> => {
  signalProcess(pid, 'SIGTERM');
  const impatience = setTimeout(() => signalProcess(pid, 'SIGKILL'), graceMillis);
  await exited;
  clearTimeout(impatience);
};

/** A server that this process started. */
export interface ServerProcess {
  readonly pid: number;
  /** Stops it cleanly: running work is finished. Kills it if that takes over a minute. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  readonly exited: Promise<ProcessExit>;
}

/** On a busy machine, a broker has needed over 20 seconds. */
const STOP_GRACE_MILLIS = 60_000;

/**
 * `exited` settles when the process `pid` is gone. From then on the number may belong to another process.
 */
export const serverProcess = (pid: number, exited: Promise<ProcessExit>): ServerProcess => {
  let ended = false;
  void exited.then(() => (ended = true));
  return {
    pid,
    exited,
    stop: async () => {
      if (!ended) await stopProcess(pid, exited, STOP_GRACE_MILLIS);
    },
    kill: async () => {
      if (!ended) signalProcess(pid, 'SIGKILL');
      await exited;
    },
  };
};
