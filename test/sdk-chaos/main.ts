import { Command } from 'commander';
import { rm } from 'node:fs/promises';
import { explain } from '../../services/shared/process/explain.ts';
import { formatTable } from '../../services/shared/terminal/table.ts';
import { openServers, positive } from '../crash/program.ts';
import type { Mutant } from '../simulation/mutants.ts';
import { UserError } from '../../services/shared/process/errors.ts';
import { MUTANTS } from './mutants.ts';
import { play, type RunResult } from './run.ts';

interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly minutes: number;
  readonly mutants: boolean;
  readonly only?: string;
}

const line = (result: RunResult): string => {
  const { seed, seconds, brokerFailures, kills, taken, duplicates, refusals, differences } = result;
  return [
    `seed ${String(seed)}`.padEnd(10),
    `${seconds.toFixed(1)} s`.padStart(8),
    `broker ${String(brokerFailures)} x`.padStart(12),
    `providers ${String(kills)} x`.padStart(16),
    `${String(taken)} taken`.padStart(13),
    `${String(refusals)} refused`.padStart(13),
    `${String(duplicates)} twice`.padStart(12),
    ` ${differences.length === 0 ? 'exact' : `${String(differences.length)} DIFFERENCES`}`,
    ...differences.slice(0, 5).map((difference) => `\n    ${difference}`),
  ].join(' ');
};

const table = (results: readonly RunResult[]): string => {
  const sum = (count: (result: RunResult) => number): number =>
    results.map(count).reduce((a, b) => a + b, 0);
  return formatTable(
    [
      'runs',
      'broker away',
      'providers killed',
      'taken',
      'refused',
      'twice in the log',
      'differences',
    ],
    [
      [
        results.length,
        sum(({ brokerFailures }) => brokerFailures),
        sum(({ kills }) => kills),
        sum(({ taken }) => taken),
        sum(({ refusals }) => refusals),
        sum(({ duplicates }) => duplicates),
        sum(({ differences }) => differences.length),
      ],
    ],
  );
};

/** Plays each mutant until a run notices it; those that none does are returned. */
const runMutants = async (
  mutants: readonly Mutant[],
  { runs, seed }: Options,
): Promise<readonly string[]> => {
  const { servers, directory } = await openServers('sdk-mutants-');
  const survivors: string[] = [];
  for (const { name, patches } of mutants) {
    let noticed: RunResult | null = null;
    for (let n = 0; n < runs && noticed === null; n++) {
      const result = await play(seed + n, servers, directory, patches);
      if (result.differences.length > 0) noticed = result;
    }
    if (noticed === null) survivors.push(name);
    const [first = ''] = noticed?.differences ?? [];
    const found = noticed && `noticed with seed ${String(noticed.seed)}: ${first}`;
    console.log(`${name.padEnd(28)} ${found ?? 'NOT NOTICED'}`);
  }
  await servers.stop();
  await rm(directory, { recursive: true, force: true });
  return survivors;
};

const mutantsNamed = (only: string | undefined): readonly Mutant[] => {
  const names = only?.split(',') ?? MUTANTS.map(({ name }) => name);
  const unknown = names.find((name) => !MUTANTS.some((mutant) => mutant.name === name));
  if (unknown !== undefined) throw new UserError(`there is no mutant ${unknown}`);
  return MUTANTS.filter(({ name }) => names.includes(name));
};

const run = async (options: Options): Promise<number> => {
  const { runs, seed, minutes } = options;
  if (options.mutants || options.only !== undefined) {
    const survivors = await runMutants(mutantsNamed(options.only), options);
    if (survivors.length === 0) return 0;
    console.log(`\nNot noticed: ${survivors.join(', ')}`);
    return 1;
  }
  const { servers, directory } = await openServers('sdk-chaos-');
  const end = Date.now() + minutes * 60_000;
  const results: RunResult[] = [];
  for (let n = 0; n < runs && Date.now() < end; n++) {
    const result = await play(seed + n, servers, directory);
    console.log(line(result));
    results.push(result);
  }
  await servers.stop();
  console.log(`\n${table(results)}`);
  const failed = results.filter(({ differences }) => differences.length > 0);
  if (failed.length === 0) {
    await rm(directory, { recursive: true, force: true });
    return 0;
  }
  console.log(`\nLogs and data of what failed: ${directory}. To play it again:`);
  for (const { seed: one } of failed) {
    console.log(`  npm run test:sdk-chaos -- --runs 1 --seed ${String(one)}`);
  }
  return 1;
};

const program = new Command('test:sdk-chaos')
  .description(
    'Kills the broker and providers at random, and compares the ledger with what `emit` has resolved for.',
  )
  .option('--runs <n>', 'how many', positive, 8)
  .option('--seed <n>', 'the first seed; the others follow it', positive, 1)
  .option('--minutes <n>', 'begin no run after so many minutes', positive, Infinity)
  .option(
    '--mutants',
    'build one mistake after another into the SDK, and play until it is noticed',
    false,
  )
  .option('--only <names>', 'these mutants alone, with commas between');

try {
  program.parse();
  process.exitCode = await run(program.opts());
} catch (error) {
  console.error(`test:sdk-chaos: ${explain(error)}`);
  process.exitCode = 1;
}
