import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { format } from 'prettier';
import { explain } from '../../../services/shared/process/explain.ts';
import { inRepository } from '../../../services/shared/process/repository.ts';
import { numberText, verdictOf, type Figure } from '../figure.ts';
import { machineText } from '../machine.ts';
import { NEWEST, readResults, type Results } from '../results.ts';
import { barChart, type Bar } from './bar-chart.ts';

/** Puts the figures of a run into docs/benchmarks.md, and its charts beside it. */
const PAGE = inRepository('docs/benchmarks.md');
const CHARTS = inRepository('docs/benchmarks');
const BEGIN = '<!-- figures: written by npm run docs:benchmarks -->';
const END = '<!-- end of figures -->';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const tableOf = (figures: readonly Figure[]): string =>
  [
    '| Row | What | Value | Target | Verdict |',
    '| --- | --- | ---: | --- | --- |',
    ...figures.map((figure) => {
      const { row, title, value, unit, target } = figure;
      const cells = [
        `\`${row}\``,
        title,
        value === null ? '–' : `${numberText(value)} ${unit}`,
        target === null ? '' : `${target.bound} ${numberText(target.value)}`,
        verdictOf(figure),
      ];
      return `| ${cells.map(cell).join(' | ')} |`;
    }),
  ].join('\n');

const textOf = ({ at, machine, options, figures }: Results, charts: readonly Chart[]): string => {
  const { events, tenants, resources, meters, usageHours, duplicates, seed, partitions, rounds } =
    options;
  return [
    BEGIN,
    '',
    `Run of ${at}. ${machineText(machine).replaceAll('\n', '. ')}.`,
    `Load: ${events.toLocaleString('en')} events, ${String(tenants)} tenants × ${String(resources)} resources × ${String(meters)} meters × ${String(usageHours)} usage hours, ${String(duplicates * 100)} % duplicates, ${String(partitions)} partitions, seed ${String(seed)}; ${String(rounds)} rounds.`,
    '',
    tableOf(figures),
    '',
    ...charts.flatMap(({ name, title }) => [`![${title}](benchmarks/${name}.svg)`, '']),
    END,
  ].join('\n');
};

interface Chart {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  /** Which figures are in it, and what each is called there; null where it is not in it. */
  readonly labelOf: (figure: Figure) => string | null;
}

const EFFORT = 'processor time a million, all processes: ';

const CHARTS_OF_A_RUN: readonly Chart[] = [
  {
    name: 'throughput',
    title: 'Events a second',
    unit: 'events/s, longer is better',
    labelOf: ({ title, unit }) => (unit === 'events/s' ? title : null),
  },
  {
    name: 'processor-time',
    title: 'Processor seconds for a million events',
    unit: 'all processes together, shorter is better',
    labelOf: ({ title }) => (title.startsWith(EFFORT) ? title.slice(EFFORT.length) : null),
  },
];

const barsOf = ({ figures }: Results, { labelOf }: Chart): readonly Bar[] =>
  figures.flatMap((figure) => {
    const label = labelOf(figure);
    const { value, problem } = figure;
    if (label === null || value === null || problem !== null) return [];
    return [{ label, value, isOurs: label.startsWith('this aggregator') }];
  });

const run = async (): Promise<void> => {
  const results = await readResults(process.argv[2] ?? NEWEST);
  const page = await readFile(PAGE, 'utf8');
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${PAGE} has no place for figures`);
  const charts = CHARTS_OF_A_RUN.filter((chart) => barsOf(results, chart).length > 0);
  const text = page.slice(0, begin) + textOf(results, charts) + page.slice(end + END.length);
  const options = { parser: 'markdown', printWidth: 100 } as const;
  await writeFile(PAGE, await format(text, options));
  await rm(CHARTS, { recursive: true, force: true }); // those of an earlier run are not of this one
  await mkdir(CHARTS, { recursive: true });
  for (const chart of charts) {
    const svg = barChart(chart.title, chart.unit, barsOf(results, chart));
    await writeFile(`${CHARTS}/${chart.name}.svg`, svg);
  }
};

try {
  await run();
} catch (error) {
  console.error(`docs:benchmarks: ${explain(error)}`);
  process.exitCode = 1;
}
