import type { Command } from 'commander';
import { readCredits, type CreditDue } from '../../operations/adjustments/credits.ts';
import { withClickHouse } from '../../operations/sources/source-tools.ts';
import { formatQuantity } from '../../shared/model/decimal.ts';
import { isoText } from '../../shared/model/time.ts';
import { monthsRecord } from '../../shared/model/usage-months.ts';
import { formatTable } from '../../shared/terminal/table.ts';
import { print, printJson } from '../print.ts';
import { readViewConfig } from '../settings.ts';

const formatCredits = (credits: readonly CreditDue[]): string => {
  if (credits.length === 0) return 'There are no credits: no submission is below zero.';
  const table = formatTable(
    ['SUBMISSION', 'HOUR', 'QUANTITY', 'USED', 'DIMENSION', 'RESOURCE'],
    credits.map(({ submissionId, hour, quantity, months, dimension, resourceUri }) => [
      submissionId,
      isoText(hour),
      formatQuantity(quantity),
      months.map((part) => `${formatQuantity(part.quantity)} in ${part.month}`).join(', '),
      dimension,
      resourceUri,
    ]),
    { whole: ['SUBMISSION', 'QUANTITY'] },
  );
  return `${table}\n\nThe metering service takes nothing below zero: claim them from Microsoft. They are not sent, and not taken off other usage.`;
};

export const bridgeCreditsCommand = (command: Command): Command =>
  command
    .description(
      'submissions below zero: adjustments took back more than was used. Commerce does not take them, so they are to be claimed from Microsoft',
    )
    .option('--json', 'as JSON')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const credits = await withClickHouse(readViewConfig(), readCredits);
      if (!json) {
        print(formatCredits(credits));
        return;
      }
      printJson(
        credits.map((each) => ({
          ...each,
          hour: isoText(each.hour),
          quantity: formatQuantity(each.quantity),
          months: monthsRecord(each.months),
        })),
      );
    });
