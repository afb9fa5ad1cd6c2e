import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import {
  END_WITH_PARENT,
  exitOf,
  serverProcess,
} from '../../../services/development/local/child-process.ts';
import { inRepository, nodeArguments } from '../../../services/shared/process/repository.ts';
import { Meter, type Usage } from '../meter.ts';
import type { Servers } from '../servers.ts';

/** What a contender prints, a line of JSON each: everything else that it prints is kept for errors. */
export type Report =
  /** Its partitions are assigned to it, and it begins to read. */
  | { readonly at: 'assigned'; readonly millis: number }
  /** All is read, and stored for good where it stores anything. */
  | {
      readonly at: 'done';
      readonly millis: number;
      readonly counts: Readonly<Record<string, number>>;
    };

/** One run of a contender: it counts only where `problem` is null. */
export interface Run {
  /** From assignment to done. */
  readonly seconds: number;
  readonly usage: Usage;
  readonly counts: Readonly<Record<string, number>>;
  readonly problem: string | null;
}

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** A TypeScript program of the benchmark, with what it is told as JSON in its argument. */
export const nodeProgram = (
  source: string,
  told: unknown,
  flags: readonly string[] = [],
): Program => ({
  command: process.execPath,
  args: [...flags, END_WITH_PARENT, ...nodeArguments(source), JSON.stringify(told)],
});

const PATIENCE_MILLIS = 600_000;
const TAIL = 4_000;

/** Runs a contender as a process of its own, until it has said that it is done. */
export const runContender = async (
  { command, args, environment = {} }: Program,
  { broker, engine }: Servers,
): Promise<Run> => {
  const child = spawn(command, args, {
    cwd: inRepository('.'),
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', ...environment },
  });
  const exited = exitOf(child);
  if (child.pid === undefined) throw new Error(`${command} could not be started`);
  const server = serverProcess(child.pid, exited);
  const meter = new Meter({ contender: child.pid, broker, engine });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-TAIL)));
  const reports = { assigned: 0 };
  const done = new Promise<Extract<Report, { at: 'done' }>>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const report = reportOf(line);
      if (report === null) said = `${said}\n${line}`.slice(-TAIL);
      else if (report.at === 'assigned') {
        if (reports.assigned > 0) return; // it rebalances
        reports.assigned = report.millis;
        meter.begin();
      } else resolve(report);
    });
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), PATIENCE_MILLIS);
  });
  try {
    const report = await Promise.race([done, exited.then(() => null), late]);
    if (report === null) throw new Error(`it gave no result. What it said last:\n${said}`);
    const usage = meter.end();
    const seconds = (report.millis - reports.assigned) / 1000;
    return { seconds, usage, counts: report.counts, problem: null };
  } finally {
    clearTimeout(timer);
    await server.kill();
  }
};

const reportOf = (line: string): Report | null => {
  if (!line.startsWith('{"at":')) return null;
  return JSON.parse(line) as Report;
};
