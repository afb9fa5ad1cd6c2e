import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { makeDirectory } from '../../shared/process/directory.ts';
import { UserError } from '../../shared/process/errors.ts';
import {
  delay,
  exitOf,
  serverProcess,
  type ProcessExit,
  type ServerProcess,
} from './child-process.ts';
import { openLog } from './data-directory.ts';
import { lastLines, readTail } from './log-tail.ts';
import { nodeArguments } from '../../shared/process/repository.ts';

export interface ServiceSpec {
  readonly name: string;
  /** Its main module, a path in the repository. */
  readonly main: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface SupervisorOptions {
  /** Where the services' logs go: `<name>.log`. */
  readonly logDirectory: string;
  /** Called for events that a person may want to know, such as a service that ended and is restarted. */
  readonly onEvent: (line: string) => void;
}

const FIRST_DELAY = 500;
const MAX_DELAY = 30_000;
/** A service that ran this long was healthy, so the next restart is prompt again. */
const WELL_MILLIS = 60_000;

/**
 * Runs services as child processes. One that ends by itself is started again, after a delay that doubles
 * from half a second to half a minute. They end with this process: cleanly when it stops them, and by
 * themselves when it is gone, because their channel to it closes.
 */
export class Supervisor {
  private readonly options: SupervisorOptions;
  private readonly running = new Map<string, ServerProcess>();
  private stopping = false;

  constructor(options: SupervisorOptions) {
    this.options = options;
  }

  /**
   * Starts a service and resolves when it is ready.
   * @throws UserError with its last output if it ends before that
   */
  async start(spec: ServiceSpec): Promise<void> {
    await makeDirectory('The log of a service', this.options.logDirectory, 'USAGE_LOCAL_DIR');
    const exit = await this.launch(spec);
    if (exit === null) return;
    const said = lastLines(await readTail(this.logOf(spec)), 1);
    throw new UserError(said || `${spec.name} ended during its start (${describe(exit)})`);
  }

  /** Process ids by service. */
  get pids(): ReadonlyMap<string, number> {
    return new Map([...this.running].map(([name, { pid }]) => [name, pid]));
  }

  /** Stops all services cleanly, in reverse order of their start. */
  async stop(): Promise<void> {
    this.stopping = true;
    for (const service of [...this.running.values()].reverse()) await service.stop();
  }

  private logOf({ name }: ServiceSpec): string {
    return join(this.options.logDirectory, `${name}.log`);
  }

  /** Starts it once. Resolves to null when it is ready, or to how it ended before that. */
  private async launch(spec: ServiceSpec): Promise<ProcessExit | null> {
    const log = await openLog(this.logOf(spec));
    const child = spawn(process.execPath, nodeArguments(spec.main), {
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
      env: { ...process.env, ...spec.environment },
      // Its own process group: Ctrl-C in a terminal reaches the supervisor, which stops in order.
      detached: true,
    });
    await log.close();
    const exited = exitOf(child);
    if (child.pid === undefined) return exited;
    this.running.set(spec.name, serverProcess(child.pid, exited));
    const ready = new Promise<null>((resolve) => child.once('message', () => resolve(null)));
    const first = await Promise.race([ready, exited]);
    if (first === null) {
      const since = Date.now();
      void exited.then((exit) => this.restart(spec, exit, Date.now() - since, FIRST_DELAY));
    } else {
      this.running.delete(spec.name);
    }
    return first;
  }

  private async restart(
    spec: ServiceSpec,
    exit: ProcessExit,
    ranMillis: number,
    wait: number,
  ): Promise<void> {
    let pause = ranMillis > WELL_MILLIS ? FIRST_DELAY : wait;
    let ended: ProcessExit | null = exit;
    while (ended !== null && !this.stopping) {
      this.options.onEvent(
        `${spec.name} ended (${describe(ended)}) and is restarted; its log: ${this.logOf(spec)}`,
      );
      await delay(pause);
      pause = Math.min(pause * 2, MAX_DELAY);
      if (this.isStopping()) return;
      ended = await this.launch(spec);
    }
  }

  private isStopping(): boolean {
    return this.stopping;
  }
}

const describe = ({ code, signal }: ProcessExit): string => signal ?? `exit code ${String(code)}`;
