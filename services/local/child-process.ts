import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { UserError } from '../shared/errors.ts';

/** How a process ended: its exit code, or the signal that ended it. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Settles when the process has ended, also when it could not be started at all. */
export const exitOf = (child: ChildProcess): Promise<ProcessExit> =>
  new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => {
      if (child.pid === undefined) resolve({ code: null, signal: null });
    });
  });

/** What a command that ran to its end left; `missing` if there is no such command. */
export interface CommandResult {
  readonly missing: boolean;
  readonly code: number | null;
  readonly output: string;
}

const MAX_COMMAND_OUTPUT = 64 * 1024;

/** Runs a command to its end. `output` holds the last 64 Ki characters of stdout and stderr. */
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
    child.once('close', (code) => resolve({ missing: false, code, output }));
  });

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** Sends a signal; a process that is gone already is no error. */
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

/** A port of 127.0.0.1 that is free now, or the given one if it is. Rejects with EADDRINUSE. */
const probePort = (port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : port));
    });
  });

export const freePort = (): Promise<number> => probePort(0);

export const busyPort = (what: string, port: number, setting: string): UserError =>
  new UserError(
    `${what} cannot listen on 127.0.0.1:${String(port)}, the port is in use: stop what listens there, or set ${setting} to another port.`,
  );

/** Resolves to the port to use: a free one for 0. Throws a UserError if the port is taken. */
export const claimPort = async (what: string, port: number, setting: string): Promise<number> => {
  try {
    return await probePort(port);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE') throw busyPort(what, port, setting);
    if (code === 'EACCES') {
      throw new UserError(
        `${what} may not listen on 127.0.0.1:${String(port)}: set ${setting} to a port above 1023.`,
      );
    }
    throw error;
  }
};

const FILE_PROBLEMS: Readonly<Record<string, string>> = {
  EACCES: 'it is not writable: correct its permissions',
  EPERM: 'it is not writable: correct its permissions',
  EROFS: 'it lies on a read-only file system',
  ENOTDIR: 'a part of its path is a file',
  EEXIST: 'a file of that name exists',
  ENOSPC: 'the disk is full: make room',
  EDQUOT: 'the disk quota is used up: make room',
};

/** Turns the usual troubles with a data directory into a UserError; leaves others as they are. */
export const explainFileError = (what: string, directory: string, error: unknown): unknown => {
  const problem = FILE_PROBLEMS[(error as NodeJS.ErrnoException).code ?? ''];
  return problem === undefined
    ? error
    : new UserError(
        `${what} cannot use the directory ${directory}, ${problem}, or choose another directory.`,
        { cause: error },
      );
};

/** Makes the directory and proves that it can be written. Throws a UserError if not. */
export const prepareDirectory = async (what: string, directory: string): Promise<void> => {
  try {
    await mkdir(directory, { recursive: true });
    await writeFile(`${directory}/.writable`, 'x');
  } catch (error) {
    throw explainFileError(what, directory, error);
  }
};

/** Opens a fresh log file, keeping the one of the run before as `<path>.previous`. */
export const openLog = async (path: string): Promise<Awaited<ReturnType<typeof open>>> => {
  await rename(path, `${path}.previous`).catch(() => undefined);
  return open(path, 'a');
};
