import { once } from 'node:events';
import { UserError } from '../../../shared/process/errors.ts';
import { STOP_SIGNALS } from '../../../shared/process/stop-signals.ts';
import { busyPort } from '../port.ts';
import { Engine } from './engine.ts';
import { httpServer } from './http-server.ts';
import { readLogin } from './login-file.ts';
import { resetSpool } from './spool.ts';

/** What this process reports to the one that started it, over Node's IPC channel. */
export type Report =
  | { readonly kind: 'ready'; readonly port: number }
  /** Without a reason if the log has the details. */
  | { readonly kind: 'failed'; readonly reason?: string };

/** How long running statements may take to end once the parent is gone. */
const ORPHAN_GRACE_MILLIS = 5_000;

const tell = (report: Report): Promise<void> =>
  new Promise((resolve) => {
    if (process.connected) process.send?.(report, undefined, undefined, () => resolve());
    else resolve();
  });

const serve = async (
  directory: string,
  wantedPort: number,
  grants: readonly string[],
): Promise<void> => {
  process.chdir(directory);
  const engine = await Engine.open(directory, grants.length > 0 ? grants : undefined);
  await resetSpool();
  const server = httpServer(engine, await readLogin(directory));
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    server.close(() => {
      void engine.close().then(() => process.exit(0));
    });
  };
  // A closed channel means that the parent has ended: this process must not outlive it.
  const orphaned = (): void => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), ORPHAN_GRACE_MILLIS).unref();
    stop();
  };
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  process.on('disconnect', orphaned);
  if (!process.connected) orphaned();

  server.listen({ host: '127.0.0.1', port: wantedPort });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      ? busyPort('ClickHouse', wantedPort, 'CLICKHOUSE_PORT')
      : error;
  }
  const address = server.address();
  await tell({
    kind: 'ready',
    port: typeof address === 'object' && address ? address.port : wantedPort,
  });
};

const [directory = '.', port = '0', ...grants] = process.argv.slice(2);
try {
  await serve(directory, Number(port), grants);
} catch (error) {
  console.error(error);
  await tell({ kind: 'failed', ...(error instanceof UserError && { reason: error.message }) });
  process.exit(1);
}
