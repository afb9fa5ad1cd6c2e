import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  delay,
  END_WITH_PARENT,
  exitOf,
  serverProcess,
} from '../../../services/development/local/child-process.ts';
import { inRepository } from '../../../services/shared/process/repository.ts';
import type { BenchRow } from '../bench.ts';
import { atMost, type Figure } from '../figure.ts';
import { processorSeconds } from '../proc.ts';

const ROW = 'idle';
const GOES_ON = 'The stack goes on.';
/** What runs after the summary settles meanwhile: JIT compilers, merges. And what a quick run gives it. */
const SETTLE_MILLIS = 20_000;
const QUICK_SETTLE_MILLIS = 10_000;
const START_MILLIS = 600_000;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
}

const nameOf = (command: string): string =>
  /services\/(?:development\/)?(?:local\/)?([a-z-]+)\/main\.js/.exec(command)?.[1] ??
  (command.includes('kafka.Kafka') ? 'kafka' : (/[\w.-]+$/.exec(command.trim())?.[0] ?? command));

const processes = (): readonly Process[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return [{ pid: Number(name), parent, name: nameOf(command) }];
      } catch {
        return []; // it has ended meanwhile
      }
    });

/** A process and all that it, or one of them, has started. */
const familyOf = (root: number): readonly Process[] => {
  const all = processes();
  const family = new Set([root]);
  for (let before = 0; before < family.size;) {
    before = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all.filter(({ pid }) => family.has(pid));
};

const START = 'services/development/local/start.mjs';

/** `npm start` once all is imported and billed: nothing happens but live usage and waiting. */
export const idle: BenchRow = {
  name: ROW,
  title: 'share of a core that "npm start" takes when it is idle, all processes',
  run: async ({ options, servers, say }) => {
    const child = spawn(process.execPath, [END_WITH_PARENT, inRepository(START)], {
      cwd: inRepository('.'),
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        USAGE_LOCAL_DIR: join(servers.directory, 'stack'),
        PORT_BASE: '0',
      },
    });
    const exited = exitOf(child);
    if (child.pid === undefined) throw new Error('npm start could not be started');
    const stack = serverProcess(child.pid, exited);
    try {
      let said = '';
      const goesOn = new Promise<true>((resolve) => {
        for (const stream of [child.stdout, child.stderr]) {
          stream.on('data', (chunk: Buffer) => {
            said += chunk.toString('utf8');
            if (said.includes(GOES_ON)) resolve(true);
          });
        }
      });
      // It must not keep the benchmark from its end.
      const late = pause(START_MILLIS, null, { ref: false });
      const first = await Promise.race([goesOn, exited, late]);
      if (first !== true)
        throw new Error(`npm start did not come to its end: ${said.slice(-1_000)}`);
      await delay(options.quick ? QUICK_SETTLE_MILLIS : SETTLE_MILLIS);
      const seconds = options.quick ? 15 : 60;
      const family = familyOf(stack.pid);
      const before = new Map(family.map(({ pid }) => [pid, processorSeconds(pid)]));
      await delay(seconds * 1000);
      const shares = family.map(({ pid, name }) => ({
        name,
        percent: ((processorSeconds(pid) - (before.get(pid) ?? 0)) / seconds) * 100,
      }));
      for (const { name, percent } of shares) say(`  ${name}: ${percent.toFixed(1)} %`);
      const all: Figure = {
        row: ROW,
        title: 'idle npm start, all processes, share of a core',
        value: shares.reduce((sum, { percent }) => sum + percent, 0),
        unit: '%',
        target: atMost(10),
        problem: null,
      };
      return [all];
    } finally {
      await stack.stop();
    }
  },
};
