import { spawn, type ChildProcess } from 'node:child_process';
import { UserError } from '../../../shared/process/errors.ts';
import {
  delay,
  exitOf,
  serverProcess,
  signalProcess,
  type ProcessExit,
  type ServerProcess,
} from '../child-process.ts';
import { isAlive } from '../../../shared/process/is-alive.ts';
import { openLog } from '../data-directory.ts';
import { inRepository } from '../../../shared/process/repository.ts';

const guardian = inRepository('services/development/local/kafka/guardian.sh');

/** The guardian's first line of output: the number of the process that it guards. */
const readPid = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.includes('\n')) resolve(Number.parseInt(text, 10));
    });
    child.stdout?.once('close', () => resolve(null));
  });

/** The guardian's exit code is that of the command, or 128 and the number of a signal. */
const exitOfCommand = (guardianExit: ProcessExit): ProcessExit => {
  if (guardianExit.code === 128 + 9) return { code: null, signal: 'SIGKILL' };
  if (guardianExit.code === 128 + 15) return { code: null, signal: 'SIGTERM' };
  return guardianExit;
};

/** If someone killed the guardian, the command still runs: the rule is that they end together. */
const killUntilGone = async (pid: number): Promise<void> => {
  while (isAlive(pid)) {
    signalProcess(pid, 'SIGKILL');
    await delay(10);
  }
};

/**
 * Runs a command that ends when this process ends, however that happens: see `guardian.sh`. Its
 * output goes to `logPath`. The process id is the command's own.
 */
export const spawnGuarded = async (
  command: readonly string[],
  logPath: string,
): Promise<ServerProcess> => {
  const log = await openLog(logPath);
  // Its own process group: Ctrl-C in a terminal reaches the parent, which stops things in order.
  const child = spawn('sh', [guardian, ...command], {
    stdio: ['pipe', 'pipe', 'ignore', log.fd],
    detached: true,
  });
  const guardianExit = exitOf(child);
  const pid = await readPid(child);
  await log.close();
  if (pid === null) throw new UserError('Kafka could not start: "sh" was not found.');
  const exited = guardianExit.then(async (exit) => {
    if (exit.signal !== null) await killUntilGone(pid);
    return exitOfCommand(exit);
  });
  return serverProcess(pid, exited);
};
