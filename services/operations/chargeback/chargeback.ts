import type { ClickHouseClient } from '@clickhouse/client';
import { isoText, nextMonth, type Millis } from '../../shared/model/time.ts';
import { UserError } from '../../shared/process/errors.ts';
import { firstProcessing, readCoverage } from '../../shared/sources/coverage.ts';
import type { ExportContext, PricedBy } from '../exports/layouts/export-context.ts';
import { completeRange, type CompleteRange } from '../exports/range-sources.ts';
import { readMonth } from './read-month.ts';
import { statementOf, type Statement } from './statement.ts';

export interface ChargebackQuery {
  readonly month: Millis;
  /** In lower case; null for all. */
  readonly subscriptionKey: string | null;
  readonly tagName: string | null;
  /** Whether the complete hours so far are enough. */
  readonly toDate: boolean;
}

export interface Chargeback {
  readonly statement: Statement;
  readonly range: CompleteRange;
}

/**
 * The charges for what was reported in a month.
 * @throws UserError if the month is not complete, or has no complete hour yet
 */
export const chargeback = async (
  client: ClickHouseClient,
  context: ExportContext,
  prices: PricedBy,
  { month, subscriptionKey, tagName, toDate }: ChargebackQuery,
): Promise<Chargeback> => {
  const end = nextMonth(month);
  const coverage = await readCoverage(client);
  const processing = firstProcessing(coverage, month, end);
  if (processing !== null && !toDate) {
    throw new UserError(
      `The month is not complete: the reported hour from ${isoText(processing)} is still being processed. Try again later, or see the month so far with --to-date`,
    );
  }
  const to = processing ?? end;
  const range = completeRange(coverage, month, to);
  const usage = await readMonth(client, { range, subscriptionKey, withTags: tagName !== null });
  const statement = statementOf(usage, prices, context, tagName, {
    month,
    to,
    isWhole: processing === null,
  });
  return { statement, range };
};
