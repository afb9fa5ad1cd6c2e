import { spawn, type ChildProcess } from 'node:child_process';
import { join, resolve } from 'node:path';
import { UserError } from '../../../shared/process/errors.ts';
import { exitOf, serverProcess, type ProcessExit, type ServerProcess } from '../child-process.ts';
import { claimDirectory } from '../claim-directory.ts';
import { explainOutput, openLog } from '../data-directory.ts';
import { lastLines, readTail } from '../log-tail.ts';
import { checkUnused, removePid, writePid } from '../pid-file.ts';
import { checkPort } from '../port.ts';
import type { Login } from './authentication.ts';
import { THREADS } from './engine.ts';
import { ensureLogin } from './login-file.ts';
import type { Report } from './main.ts';
import { nodeArguments } from '../../../shared/process/repository.ts';

export interface ClickHouseOptions {
  readonly dataDir: string;
  /** 0, the default, chooses a free port. */
  readonly port?: number;
  /** What its user may do, instead of what `access.ts` allows: `SELECT ON usage.*`. */
  readonly grants?: readonly string[];
  readonly onProgress?: (line: string) => void;
}

export interface LocalClickHouse extends ServerProcess, Login {
  readonly url: string;
  readonly port: number;
  /** What a client of it needs, as the settings of this project. */
  readonly environment: Readonly<
    Record<'CLICKHOUSE_URL' | 'CLICKHOUSE_USER' | 'CLICKHOUSE_PASSWORD', string>
  >;
  /** Once it has ended by itself: why, and what to do. */
  explainEnd(): Promise<UserError>;
}

/** The first report, or null if the process ended without one. */
const firstReport = (child: ChildProcess, exited: Promise<ProcessExit>): Promise<Report | null> =>
  new Promise((settle) => {
    child.once('message', (message) => settle(message as Report));
    void exited.then(() => settle(null));
  });

/** Why the process has ended: the engine says so on its standard error only. */
const explainFailure = async (logPath: string, dataDir: string): Promise<UserError> => {
  const log = await readTail(logPath);
  return (
    (await explainOutput('ClickHouse', dataDir, log)) ??
    new UserError(`ClickHouse has ended. The last lines of ${logPath}:\n${lastLines(log, 12)}`)
  );
};

const runServer = async (
  dataDir: string,
  port: number,
  grants: readonly string[],
): Promise<LocalClickHouse> => {
  const login = await ensureLogin(dataDir);
  const logPath = join(dataDir, 'clickhouse.log');
  const log = await openLog(logPath);
  const child = spawn(
    process.execPath,
    [
      ...nodeArguments('services/development/local/clickhouse/main.ts'),
      ...[dataDir, String(port), ...grants],
    ],
    {
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
      // Its own process group: Ctrl-C in a terminal reaches the parent, which stops things in order.
      detached: true,
      // The engine takes its time zone from TZ. So its answers are in UTC, whatever the time zone of the
      // host.
      env: { ...process.env, TZ: 'UTC', UV_THREADPOOL_SIZE: String(THREADS) },
    },
  );
  const ended = exitOf(child);
  await log.close();
  const { pid } = child;
  if (pid === undefined) throw new Error(`"${process.execPath}" could not be started.`);
  const explainEnd = (): Promise<UserError> => explainFailure(logPath, dataDir);
  const report = await firstReport(child, ended);
  if (report?.kind !== 'ready') {
    await ended;
    throw report?.reason === undefined ? await explainEnd() : new UserError(report.reason);
  }
  await writePid(dataDir, pid);
  const exited = ended.then(async (exit) => {
    await removePid(dataDir);
    return exit;
  });
  const url = `http://127.0.0.1:${String(report.port)}`;
  const environment = {
    CLICKHOUSE_URL: url,
    CLICKHOUSE_USER: login.user,
    CLICKHOUSE_PASSWORD: login.password,
  };
  return {
    ...serverProcess(pid, exited),
    ...login,
    url,
    port: report.port,
    environment,
    explainEnd,
  };
};

/**
 * Starts a real ClickHouse (chDB) on 127.0.0.1, with its data and its log (`clickhouse.log`) in `dataDir`,
 * and resolves when it answers. Starting again on the same directory continues with the same data. The
 * server ends when this process ends, however that happens.
 * @throws UserError that says what to do: chDB missing, the port or directory in use, …
 */
export const startClickHouse = async (options: ClickHouseOptions): Promise<LocalClickHouse> => {
  const { port = 0, grants = [] } = options;
  const dataDir = resolve(options.dataDir);
  await checkUnused('ClickHouse', dataDir);
  if (port !== 0) await checkPort('ClickHouse', port, 'CLICKHOUSE_PORT');
  return claimDirectory('ClickHouse', dataDir, () => {
    options.onProgress?.('Starting ClickHouse');
    return runServer(dataDir, port, grants);
  });
};
