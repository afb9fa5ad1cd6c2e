import { InvalidArgumentError, Option, type Command } from 'commander';
import { chargeback } from '../../operations/chargeback/chargeback.ts';
import type { Statement } from '../../operations/chargeback/statement.ts';
import { statementPage } from '../../operations/chargeback/statement-page.ts';
import { statementColumns, statementRows } from '../../operations/chargeback/statement-rows.ts';
import { notCoveredText } from '../../operations/exports/hour-spans.ts';
import { csvForPeople } from '../../operations/exports/csv.ts';
import { readRates } from '../../operations/rates/rate-file.ts';
import { withClickHouse } from '../../operations/sources/source-tools.ts';
import { parseTime } from '../../shared/model/time-text.ts';
import type { Millis } from '../../shared/model/time.ts';
import { UserError } from '../../shared/process/errors.ts';
import { writeAtomically } from '../../shared/process/write-file.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { print } from '../print.ts';
import { ratesOption, readContext } from '../rates-option.ts';
import { readDirectoryConfig } from '../settings.ts';
import { formatStatement } from '../show/chargeback.ts';
import { subscriptionKey } from '../subscription-option.ts';

const FORMATS = ['table', 'csv', 'html'] as const;

interface Options {
  readonly month: Millis;
  readonly rates: string;
  readonly tag?: string;
  readonly subscription?: string;
  readonly toDate?: boolean;
  readonly format: (typeof FORMATS)[number];
  readonly output?: string;
}

const month = (text: string): Millis => {
  const parsed = /^\d{4}-\d\d$/.test(text) ? parseTime(`${text}-01T00:00:00Z`) : null;
  if (parsed?.ok === true && parsed.value.instant >= 0) return parsed.value.instant;
  throw new InvalidArgumentError('it must be a month from 1970 on, such as 2026-02');
};

const bytesOf = (statement: Statement, format: 'csv' | 'html') =>
  format === 'html'
    ? [Buffer.from(statementPage(statement))]
    : csvForPeople(statementColumns(statement), [statementRows(statement)]);

const report = async (options: Options): Promise<void> => {
  const { format, output } = options;
  if (format !== 'table' && output === undefined) {
    throw new UserError(
      `--format ${format} needs the name of the file: --output charges.${format}`,
    );
  }
  if (format === 'table' && output !== undefined) {
    throw new UserError('--output needs a format of files: --format csv or --format html');
  }
  const book = await readRates(options.rates);
  const found = await withClickHouse(readDirectoryConfig(), async (client) => {
    const context = await readContext(client, book);
    if (context.prices === null) throw new Error('rates were read');
    return chargeback(client, context, context.prices, {
      month: options.month,
      subscriptionKey: options.subscription ?? null,
      tagName: options.tag ?? null,
      toDate: options.toDate ?? false,
    });
  });
  if (format === 'table' || output === undefined) {
    print(formatStatement(found));
    return;
  }
  await writeAtomically(output, bytesOf(found, format));
  print(`Wrote ${printable(output)}.`);
  const { notCovered } = found;
  if (notCovered.length > 0) process.stderr.write(`usagectl: ${notCoveredText(notCovered)}\n`);
};

export const chargebackCommand = (command: Command): Command =>
  command
    .requiredOption(
      '--month <month>',
      'the month in which usage was reported, such as 2026-02',
      month,
    )
    .addOption(ratesOption().makeOptionMandatory())
    .option('--tag <name>', 'divide the charges by the values of this tag')
    .option('--subscription <id>', 'only this subscription', subscriptionKey)
    .option('--to-date', 'if the month is not over or not complete, show its complete hours')
    .addOption(
      new Option('--format <format>', 'table, or a file: CSV, or a page to print')
        .choices(FORMATS)
        .default('table'),
    )
    .option('--output <file>', 'the file to write')
    .addHelpText(
      'after',
      '\nA statement holds what was reported in the month, so it never changes. Usage that is reported late stands in the\n' +
        'month in which it was reported, at the price of the day on which it was used.',
    )
    .action(report);
