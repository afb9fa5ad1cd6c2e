import { Command } from 'commander';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../services/shared/process/errors.ts';
import { explain } from '../../services/shared/process/explain.ts';
import { localDirectory } from '../../services/shared/process/local-directory.ts';
import { Access } from './access.ts';
import { killAggregators } from './fleet.ts';
import { KIND_NAMES, kindNamed, kindOf, type Kind } from './kinds.ts';
import { openServers, positive } from './program.ts';
import { Results, resultTable } from './results.ts';
import { runSchedule, type ScheduleResult } from './schedule.ts';

interface Options {
  readonly schedules: number;
  readonly seed: number;
  readonly minutes: number;
  readonly resume?: string;
  readonly kind?: string;
}

/** Schedules that leave the servers alone run side by side. */
const LANES = 2;

const chosenKind = (name: string | undefined): Kind | undefined => {
  if (name === undefined) return undefined;
  const kind = kindNamed(name);
  if (kind) return kind;
  throw new UserError(`There is no kind "${name}": choose one of ${KIND_NAMES.join(', ')}`);
};

const line = ({ kind, seed, seconds, records, differences }: ScheduleResult): string =>
  [
    kind.padEnd(24),
    `seed ${String(seed)}`.padEnd(10),
    `${seconds.toFixed(1)} s`.padStart(8),
    `${String(records)} records`.padStart(14),
    ` ${differences.length === 0 ? 'exact' : `${String(differences.length)} DIFFERENCES`}`,
    ...differences.slice(0, 5).map((difference) => `\n    ${difference}`),
  ].join(' ');

const run = async (options: Options): Promise<number> => {
  const kind = chosenKind(options.kind);
  const resultsPath = options.resume ?? join(localDirectory(), 'crash-results.json');
  const results = await Results.open(kind ? null : resultsPath);
  const plan = Array.from({ length: options.schedules }, (_, n) => options.seed + n)
    .map((seed) => ({ seed, kind: kind ?? kindOf(seed) }))
    .filter(({ seed, kind: { name } }) => !results.has(name, seed));
  if (plan.length < options.schedules) {
    const done = options.schedules - plan.length;
    console.log(
      `${String(done)} of ${String(options.schedules)} were played already: ${resultsPath}`,
    );
  }
  const { servers, directory } = await openServers('crash-', {
    endOthers: killAggregators,
    hasFailed: () => results.hasFailed,
  });
  const access = new Access();
  const end = Date.now() + options.minutes * 60_000;
  const lane = async (): Promise<void> => {
    while (Date.now() < end) {
      const next = plan.shift();
      if (!next) return;
      const result = await access.use(next.kind.alone, () =>
        runSchedule(next.kind, next.seed, servers, directory),
      );
      console.log(line(result));
      await results.add(result);
    }
  };
  try {
    await Promise.all(Array.from({ length: LANES }, lane));
  } finally {
    await servers.stop();
  }
  console.log(`\n${resultTable(results.all)}`);
  if (!results.hasFailed) {
    await rm(directory, { recursive: true, force: true });
    return 0;
  }
  console.log(`\nLogs and data of what failed: ${directory}. To play it again:`);
  for (const { kind: name, seed } of results.failed) {
    console.log(`  npm run test:crash -- --kind ${name} --seed ${String(seed)} --schedules 1`);
  }
  return 1;
};

const program = new Command('test:crash')
  .description('Kills, stops and deprives a real pipeline, and recounts what is left.')
  .option('--schedules <n>', 'how many, with results that are kept', positive, 30)
  .option('--seed <n>', 'the first seed; the others follow it', positive, 1)
  .option('--minutes <n>', 'begin no schedule after so many minutes', positive, Infinity)
  .option('--resume <file>', 'where results are kept over runs (.local/crash-results.json)')
  .option('--kind <name>', `play one kind only, and keep no results: ${KIND_NAMES.join(', ')}`);

try {
  program.parse();
  process.exitCode = await run(program.opts());
} catch (error) {
  console.error(`test:crash: ${explain(error)}`);
  process.exitCode = 1;
}
