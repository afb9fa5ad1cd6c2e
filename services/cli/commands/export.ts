import { Option, type Command } from 'commander';
import {
  columnsOf,
  FORMATS,
  LAYOUTS,
  READERS,
  type ExportKind,
} from '../../operations/exports/export-kind.ts';
import { exportRange, type ExportTools } from '../../operations/exports/export-range.ts';
import { DECIMALS, type Decimals } from '../../operations/exports/parquet.ts';
import type { ExportPlan } from '../../operations/exports/export-state.ts';
import { exportNewHours } from '../../operations/exports/incremental.ts';
import { reportedMillis, type Granularity } from '../../operations/exports/read-rows.ts';
import { readRates } from '../../operations/rates/rate-file.ts';
import { withClickHouse } from '../../operations/sources/source-tools.ts';
import { clickHouseSettings, hourSettings, parseEnvironment } from '../../shared/process/config.ts';
import { makeDirectory } from '../../shared/process/directory.ts';
import { UserError } from '../../shared/process/errors.ts';
import { isoText, type Hour } from '../../shared/model/time.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { checkFailed } from '../exit-code.ts';
import { print, progress } from '../print.ts';
import { ratesOption, readContext } from '../rates-option.ts';
import { formatIncremental, formatRange } from '../show/export.ts';
import { subscriptionKey } from '../subscription-option.ts';
import { EMPTY_RANGE, hour } from '../time-option.ts';

interface Options extends Omit<ExportKind, 'reader' | 'decimals'> {
  readonly from?: Hour;
  readonly to?: Hour;
  readonly output?: string;
  readonly incremental?: string;
  readonly granularity: Granularity;
  readonly subscription?: string;
  readonly rates?: string;
  readonly for?: ExportKind['reader'];
  readonly decimals?: Decimals;
  readonly rewriteRestated?: boolean;
}

const readSettings = () => parseEnvironment({ ...clickHouseSettings, ...hourSettings });

const planOf = (options: Options): ExportPlan => {
  const { format, layout, granularity } = options;
  if (options.for === 'people' && format !== 'csv') {
    throw new UserError(`--for people changes texts in CSV only; the format is ${format}`);
  }
  if (options.decimals !== undefined && format !== 'parquet') {
    throw new UserError(
      `--decimals is for --format parquet; in ${format} every decimal has all its digits`,
    );
  }
  return {
    format,
    layout,
    granularity,
    decimals: options.decimals ?? '38',
    reader: options.for ?? (format === 'csv' ? 'people' : 'machines'),
    subscriptionKey: options.subscription ?? null,
  };
};

const checkBounds = ({ from, to, granularity }: Options, hourMillis: number): void => {
  const length = reportedMillis(granularity, hourMillis);
  for (const [name, value] of Object.entries({ '--from': from, '--to': to })) {
    if (value === undefined || value % length === 0) continue;
    const unit =
      granularity === 'daily'
        ? 'day, such as 2026-02-03T00:00:00Z'
        : 'hour, such as 2026-02-03T04:00:00Z';
    throw new UserError(`${name} must be the start of a ${unit}, but is ${isoText(value)}`);
  }
};

/** Runs an export with what it reads, and shows its progress. */
const withTools = async <T>(
  options: Options,
  work: (tools: ExportTools) => Promise<T>,
): Promise<T> => {
  const config = readSettings();
  checkBounds(options, config.USAGE_HOUR_MILLIS);
  const book = options.rates === undefined ? null : await readRates(options.rates);
  const shown = progress('Rows exported:');
  try {
    return await withClickHouse(config, async (client) => {
      const context = await readContext(client, book);
      columnsOf(options.layout, context); // refuses what does not go together, before a file is begun
      const hourMillis = config.USAGE_HOUR_MILLIS;
      return work({ client, context, hourMillis, onRows: (rows) => shown.at(rows) });
    });
  } finally {
    shown.end();
  }
};

const exportOnce = async (options: Options, output: string): Promise<void> => {
  const { from, to } = options;
  if (from === undefined || to === undefined) {
    throw new UserError('Say which reported hours to export: --from and --to (end not included)');
  }
  if (from >= to) throw new UserError(EMPTY_RANGE);
  if (options.rewriteRestated) {
    throw new UserError('--rewrite-restated belongs to --incremental: a range is always read anew');
  }
  const plan = planOf(options);
  const done = await withTools(options, (tools) => exportRange(tools, plan, { from, to }, output));
  print(formatRange(done, printable(output)));
};

const exportIncrementally = async (options: Options, directory: string): Promise<void> => {
  if (options.to !== undefined) {
    throw new UserError('--incremental goes up to the last complete hour: leave --to away');
  }
  const plan = planOf(options);
  await makeDirectory('usagectl', directory);
  const done = await withTools(options, (tools) =>
    exportNewHours(tools, plan, directory, {
      from: options.from ?? null,
      rewriteRestated: options.rewriteRestated ?? false,
    }),
  );
  const { USAGE_HOUR_MILLIS: hourMillis } = readSettings();
  print(formatIncremental(done, printable(directory), hourMillis));
  if (done.changed.length + done.waiting.length > 0) checkFailed();
};

export const exportCommand = (command: Command): Command =>
  command
    .option('--from <hour>', 'reported hours (or days) from this one on', hour)
    .option('--to <hour>', 'up to this one, exclusive', hour)
    .option('--output <file>', 'write the range to this file')
    .option(
      '--incremental <directory>',
      'write each complete reported hour (or day) that is not there yet to a file of its own',
    )
    .addOption(
      new Option('--format <format>', 'the form of the files').choices(FORMATS).default('csv'),
    )
    .addOption(
      new Option(
        '--layout <layout>',
        "the columns: this project's own, those of Azure Stack's usage summary script, or FOCUS 1.2",
      )
        .choices(LAYOUTS)
        .default('usage'),
    )
    .addOption(
      new Option('--granularity <granularity>', 'rows per hour or per day')
        .choices(['hourly', 'daily'])
        .default('hourly'),
    )
    .option('--subscription <id>', 'only the usage of this subscription', subscriptionKey)
    .addOption(ratesOption())
    .addOption(
      new Option(
        '--for <reader>',
        'who reads CSV: for people (the default) texts that a spreadsheet would run are neutralised; for machines they stay as they are',
      ).choices(READERS),
    )
    .addOption(
      new Option(
        '--decimals <type>',
        'decimals in Parquet: of 38 digits (the default), which every reader knows and some values do not fit; of 76, which every value fits; or text',
      ).choices(DECIMALS),
    )
    .option(
      '--rewrite-restated',
      'with --incremental: write the files of hours again that changed after they were exported',
    )
    .addHelpText(
      'after',
      '\nThe same usage hour can come back in a later reported hour: an importer adds, and never overwrites.\n' +
        'Quantities, prices and costs are exact decimals. A file gets its name when it is whole.',
    )
    .action(async (options: Options) => {
      const { output, incremental } = options;
      if ((output === undefined) === (incremental === undefined)) {
        throw new UserError('Give either --output FILE or --incremental DIRECTORY');
      }
      if (output !== undefined) await exportOnce(options, output);
      else if (incremental !== undefined) await exportIncrementally(options, incremental);
    });
