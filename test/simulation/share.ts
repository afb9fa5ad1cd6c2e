import { fork } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { inRepository } from '../../services/shared/process/repository.ts';
import type { Mutant } from './mutants.ts';
import type { Counts } from './schedule-result.ts';
import type { Simulation } from './simulations.ts';

/** How far a process is with its share of the schedules. */
export interface ShareReport {
  readonly schedules: number;
  readonly counts: Counts | null;
  readonly failure: { readonly seed: number; readonly violation: string } | null;
}

export interface Share {
  readonly of: Simulation;
  readonly from: number;
  readonly every: number;
  readonly to: number;
  readonly seconds: number;
  readonly mutant: Mutant | null;
}

/**
 * Runs a share in a process of its own, with the mutant's mistake built in.
 * @throws where the process fails, for example because a patch does not apply any more.
 */
export const runShare = (
  { of, from, every, to, seconds, mutant }: Share,
  onReport: (report: ShareReport) => void = () => undefined,
  signal?: AbortSignal,
): Promise<ShareReport> => {
  const args = { of: of.name, from, every, to, seconds };
  const child = fork(
    inRepository('dist/test/simulation/share-main.js'),
    [
      ...Object.entries(args).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ...(mutant?.store === undefined ? [] : ['--mistake', mutant.store]),
    ],
    {
      execArgv: [
        '--import',
        pathToFileURL(inRepository('test/simulation/register-patches.mjs')).href,
        '--max-semi-space-size=64', // nearly all garbage is young
        ...process.execArgv,
      ],
      env: { ...process.env, SIMULATION_PATCHES: JSON.stringify(mutant?.patches ?? []) },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      ...(signal && { signal }),
    },
  );
  return new Promise((resolve, reject) => {
    let last: ShareReport | null = null;
    const isStopped = (): boolean => signal?.aborted ?? false;
    let errors = '';
    child.stderr?.on('data', (text: Buffer) => (errors += text.toString('utf8')));
    child.on('message', (report: ShareReport) => {
      last = report;
      onReport(report);
    });
    child.on('error', (error) => {
      if (error.name !== 'AbortError') reject(error);
    });
    child.on('close', (code) => {
      if (isStopped()) resolve(last ?? { schedules: 0, counts: null, failure: null });
      else if (last !== null && code === 0) resolve(last);
      else {
        const line = errors.split('\n').find((text) => /^\w*Error: /.test(text));
        reject(new Error(`a simulating process ended with ${String(code)}: ${line ?? errors}`));
      }
    });
  });
};

export const addCounts = (a: Counts | null, b: Counts): Counts => {
  const sum: Record<string, number> = { ...b };
  for (const [name, count] of Object.entries(a ?? {})) sum[name] = (sum[name] ?? 0) + count;
  return sum;
};
