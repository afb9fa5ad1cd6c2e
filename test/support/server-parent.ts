import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import {
  END_WITH_PARENT,
  exitOf,
  type ProcessExit,
} from '../../services/development/local/child-process.ts';
import type {
  ClickHouseOptions,
  LocalClickHouse,
} from '../../services/development/local/clickhouse/start-clickhouse.ts';
import type { KafkaOptions } from '../../services/development/local/kafka/start-kafka.ts';
import { nodeArguments } from '../../services/shared/process/repository.ts';

/** What `server-parent-main.ts` is told, as JSON in its argument. */
export interface ServerChoice {
  readonly kafka?: KafkaOptions;
  readonly clickHouse?: ClickHouseOptions;
}

/** What it prints, as one line of JSON, when the servers are up. */
export interface ServersUp {
  readonly pids: readonly number[];
  readonly clickHouse: LocalClickHouse['environment'] | null;
}

export interface ServerParent {
  readonly process: ChildProcess;
  readonly exited: Promise<ProcessExit>;
  /** What it prints on standard output, and, once it has ended, on standard error. */
  readonly firstLine: Promise<string>;
  readonly errors: Promise<string>;
}

const PROGRAM = [END_WITH_PARENT, ...nodeArguments('test/support/server-parent-main.ts')];

/** Runs a process that starts local servers, to be killed, or to fail, as `npm start` may. */
export const startServerParent = (
  choice: ServerChoice,
  environment: NodeJS.ProcessEnv = process.env,
): ServerParent => {
  const child = spawn(process.execPath, [...PROGRAM, JSON.stringify(choice)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment,
  });
  return {
    process: child,
    exited: exitOf(child),
    firstLine: once(child.stdout, 'data').then(([chunk]) => String(chunk)),
    errors: text(child.stderr),
  };
};
