import { messageOf } from '../../services/shared/process/errors.ts';
import { explain } from '../../services/shared/process/explain.ts';
import { formatTable } from '../../services/shared/terminal/table.ts';
import type { Bench, BenchRow } from './bench.ts';
import { isGood, numberText, verdictOf, type Figure } from './figure.ts';
import { Loads } from './load/loads.ts';
import { describeMachine, machineText } from './machine.ts';
import { readOptions } from './options.ts';
import { keepResults, NEWEST } from './results.ts';
import { ROWS } from './rows/rows.ts';
import { startServers } from './servers.ts';

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const tableOf = (figures: readonly Figure[]): string =>
  formatTable(
    ['ROW', 'WHAT', 'VALUE', 'UNIT', 'TARGET', 'VERDICT'],
    figures.map((figure) => [
      figure.row,
      figure.title,
      figure.value === null ? '-' : numberText(figure.value),
      figure.unit,
      figure.target && `${figure.target.bound} ${numberText(figure.target.value)}`,
      verdictOf(figure),
    ]),
    { whole: ['WHAT', 'VERDICT'] },
  );

const runRow = async (row: BenchRow, bench: Bench): Promise<readonly Figure[]> => {
  say(`\n${row.name}: ${row.title}`);
  const begin = performance.now();
  try {
    const figures = await row.run(bench);
    say(`  took ${((performance.now() - begin) / 1000).toFixed(0)} s`);
    return figures;
  } catch (error) {
    say(`  ${explain(error)}`);
    const problem = messageOf(error);
    return [{ row: row.name, title: row.title, value: null, unit: '', target: null, problem }];
  }
};

const run = async (): Promise<number> => {
  const options = readOptions(ROWS);
  const due = ROWS.filter(({ name, long = false }) =>
    options.only === null ? !long || options.long : options.only.includes(name),
  );
  const servers = await startServers(say);
  try {
    const machine = await describeMachine(servers);
    say(`${machineText(machine)}\nSeed ${String(options.seed)}`);
    const loads = new Loads(servers, options, say);
    const bench: Bench = { options, servers, say, load: (variant) => loads.get(variant) };
    const figures: Figure[] = [];
    for (const row of due) figures.push(...(await runRow(row, bench)));
    await keepResults({ options, machine, figures });
    say(`\n${machineText(machine)}\nSeed ${String(options.seed)}\n\n${tableOf(figures)}`);
    const problems = new Set(figures.flatMap(({ problem }) => problem ?? []));
    if (problems.size > 0) say(`\nWhy some do not count:\n${[...problems].join('\n')}`);
    const missed = figures.filter((figure) => !isGood(figure, true)).length;
    say(
      missed === 0
        ? '\nEvery target is met.'
        : `\n${String(missed)} of ${String(figures.length)} figures miss their target or do not count.`,
    );
    say(`As JSON: ${NEWEST}`);
    return figures.every((figure) => isGood(figure, options.targets)) ? 0 : 1;
  } finally {
    await servers.stop();
  }
};

try {
  process.exitCode = await run();
} catch (error) {
  console.error(`bench: ${explain(error)}`);
  process.exitCode = 1;
}
