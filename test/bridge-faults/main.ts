import { Command } from 'commander';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { explain } from '../../services/shared/process/explain.ts';
import { localDirectory } from '../../services/shared/process/local-directory.ts';
import { formatTable } from '../../services/shared/terminal/table.ts';
import { Access } from '../crash/access.ts';
import { codeDigest } from '../crash/code-digest.ts';
import { killAggregators } from '../crash/fleet.ts';
import { keepResults } from '../crash/keep-results.ts';
import { openServers, positive } from '../crash/program.ts';
import { isAlone, play, type RunResult } from './run.ts';

interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly minutes: number;
  readonly resume?: string;
}

interface Kept {
  readonly code: string;
  readonly results: readonly RunResult[];
}

/** Runs that leave the broker alone are played side by side. */
const LANES = 2;

const line = ({ seed, seconds, injected, counts, differences }: RunResult): string =>
  [
    `seed ${String(seed)}`.padEnd(10),
    `${seconds.toFixed(1)} s`.padStart(8),
    `${String(injected)} failures`.padStart(14),
    `${String(counts?.submissions ?? 0)} submissions`.padStart(18),
    `${String(counts?.carried ?? 0)} carried`.padStart(13),
    ` ${differences.length === 0 ? 'exact' : `${String(differences.length)} DIFFERENCES`}`,
    ...differences.slice(0, 5).map((difference) => `\n    ${difference}`),
  ].join(' ');

const table = (results: readonly RunResult[]): string => {
  const sum = (count: (result: RunResult) => number): number =>
    results.map(count).reduce((a, b) => a + b, 0);
  return formatTable(
    ['runs', 'failures', 'submissions', 'accepted', 'duplicate', 'carried', 'dead', 'differences'],
    [
      [
        results.length,
        sum(({ injected }) => injected),
        sum(({ counts }) => counts?.submissions ?? 0),
        sum(({ counts }) => counts?.accepted ?? 0),
        sum(({ counts }) => counts?.duplicate ?? 0),
        sum(({ counts }) => counts?.carried ?? 0),
        sum(({ counts }) => counts?.deadLettered ?? 0),
        sum(({ differences }) => differences.length),
      ],
    ],
  );
};

/** Results of earlier runs, if the code is still the same. */
const earlier = async (path: string, code: string): Promise<readonly RunResult[]> => {
  const text = await readFile(path, 'utf8').catch(() => '');
  const kept = text === '' ? null : (JSON.parse(text) as Kept);
  return kept?.code === code ? kept.results : [];
};

const run = async (options: Options): Promise<number> => {
  await mkdir(localDirectory(), { recursive: true });
  const path = options.resume ?? join(localDirectory(), 'bridge-faults-results.json');
  const code = await codeDigest(['test/bridge-faults']);
  const results = [...(await earlier(path, code))];
  const plan = Array.from({ length: options.runs }, (_, n) => options.seed + n).filter(
    (seed) => !results.some((result) => result.seed === seed),
  );
  if (plan.length < options.runs) {
    console.log(`${String(options.runs - plan.length)} were played already: ${path}`);
  }
  const { servers, directory } = await openServers('bridge-faults-', {
    endOthers: killAggregators,
  });
  const access = new Access();
  const end = Date.now() + options.minutes * 60_000;
  const lane = async (): Promise<void> => {
    while (Date.now() < end) {
      const seed = plan.shift();
      if (seed === undefined) return;
      const result = await access.use(isAlone(seed), () => play(seed, servers, directory));
      console.log(line(result));
      results.push(result);
      await keepResults(path, { code, results } satisfies Kept);
    }
  };
  try {
    await Promise.all(Array.from({ length: LANES }, lane));
  } finally {
    await servers.stop();
  }
  console.log(`\n${table(results)}`);
  const failed = results.filter(({ differences }) => differences.length > 0);
  if (failed.length === 0) {
    await rm(directory, { recursive: true, force: true });
    return 0;
  }
  console.log(`\nLogs and data of what failed: ${directory}. To play it again:`);
  for (const { seed } of failed) {
    console.log(
      `  npm run test:bridge-faults -- --runs 1 --seed ${String(seed)} --resume /tmp/again`,
    );
  }
  return 1;
};

const program = new Command('test:bridge-faults')
  .description('Kills and stops bridges, Commerce and the broker, and compares every ledger.')
  .option('--runs <n>', 'how many, with results that are kept', positive, 15)
  .option('--seed <n>', 'the first seed; the others follow it', positive, 1)
  .option('--minutes <n>', 'begin no run after so many minutes', positive, Infinity)
  .option('--resume <file>', 'where results are kept (.local/bridge-faults-results.json)');

try {
  program.parse();
  process.exitCode = await run(program.opts());
} catch (error) {
  console.error(`test:bridge-faults: ${explain(error)}`);
  process.exitCode = 1;
}
