import { spawn, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { extname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { UserError } from '../../shared/errors.ts';
import { exitOf, serverProcess, type ProcessExit, type ServerProcess } from '../child-process.ts';
import { explainFileError, openLog, prepareDirectory } from '../data-directory.ts';
import { lastLines, readTail } from '../log-tail.ts';
import { removePid, userOf, writePid } from '../pid-file.ts';
import { checkPort } from '../port.ts';
import { THREADS } from './engine.ts';
import type { Report } from './main.ts';

export interface ClickHouseOptions {
  readonly dataDir: string;
  /** 0, the default, takes a free port. */
  readonly port?: number;
  readonly onProgress?: (line: string) => void;
}

export interface LocalClickHouse extends ServerProcess {
  readonly url: string;
  readonly port: number;
}

/** How to run a sibling module as a process: through tsx where the sources run uncompiled. */
const nodeArguments = (): readonly string[] => {
  const extension = extname(fileURLToPath(import.meta.url));
  const main = fileURLToPath(new URL(`./main${extension}`, import.meta.url));
  if (extension !== '.ts') return [main];
  // Not import.meta.resolve: Jest's modules do not have it.
  const tsx = createRequire(import.meta.url).resolve('tsx');
  return ['--import', pathToFileURL(tsx).href, main];
};

/** The first report, or null if the process ended without one. */
const firstReport = (child: ChildProcess, exited: Promise<ProcessExit>): Promise<Report | null> =>
  new Promise((settle) => {
    child.once('message', (message) => settle(message as Report));
    void exited.then(() => settle(null));
  });

const runServer = async (dataDir: string, port: number): Promise<LocalClickHouse> => {
  const logPath = join(dataDir, 'clickhouse.log');
  const log = await openLog(logPath);
  const child = spawn(process.execPath, [...nodeArguments(), dataDir, String(port)], {
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
    // Its own process group: Ctrl-C in a terminal reaches the parent, which stops things in order.
    detached: true,
    env: { ...process.env, UV_THREADPOOL_SIZE: String(THREADS) },
  });
  const ended = exitOf(child);
  await log.close();
  const { pid } = child;
  if (pid === undefined) throw new Error(`"${process.execPath}" could not be started.`);
  const report = await firstReport(child, ended);
  if (report?.kind !== 'ready') {
    await ended;
    throw new UserError(
      report?.message ??
        `The local ClickHouse ended during its start. The last lines of ${logPath}:\n${lastLines(await readTail(logPath), 12)}`,
    );
  }
  await writePid(dataDir, pid);
  const exited = ended.then(async (exit) => {
    await removePid(dataDir);
    return exit;
  });
  const url = `http://127.0.0.1:${String(report.port)}`;
  return { ...serverProcess(pid, exited), url, port: report.port };
};

/**
 * Starts a real ClickHouse (chDB) on 127.0.0.1, with its data and its log (`clickhouse.log`) in
 * `dataDir`, and resolves when it answers. Starting again on the same directory goes on with the
 * same data. It ends when this process ends, however that happens.
 * @throws UserError that says what to do: chDB missing, the port taken, the directory in use, …
 */
export const startClickHouse = async (options: ClickHouseOptions): Promise<LocalClickHouse> => {
  const { port = 0 } = options;
  const dataDir = resolve(options.dataDir);
  const user = await userOf(dataDir);
  if (user !== null) {
    throw new UserError(
      `A local ClickHouse, process ${String(user)}, already uses ${dataDir}: stop it, or choose another directory.`,
    );
  }
  if (port !== 0) await checkPort('ClickHouse', port, 'CLICKHOUSE_PORT');
  await prepareDirectory('ClickHouse', dataDir);
  options.onProgress?.('Starting ClickHouse');
  try {
    return await runServer(dataDir, port);
  } catch (error) {
    throw explainFileError('ClickHouse', dataDir, error);
  }
};
