import type { ClickHouseClient } from '@clickhouse/client';
import { millis, nextMonth, type Millis } from '../../shared/model/time.ts';
import { firstProcessing, readCoverage } from '../../shared/sources/coverage.ts';
import type { ExportContext, PricedBy } from '../exports/layouts/export-context.ts';
import { completeRange } from '../exports/range-sources.ts';
import { readMonth } from './read-month.ts';
import { statementEnd } from './statement-end.ts';
import { statementOf, type Statement } from './statement.ts';

export interface ChargebackQuery {
  readonly month: Millis;
  /** In lower case; null for all. */
  readonly subscriptionKey: string | null;
  readonly tagName: string | null;
  /** Whether the complete hours so far are enough. */
  readonly toDate: boolean;
}

/**
 * The charges for what was reported in a month.
 * @throws UserError if the month is not over or not complete, or has no complete hour yet
 */
export const chargeback = async (
  client: ClickHouseClient,
  context: ExportContext,
  prices: PricedBy,
  { month, subscriptionKey, tagName, toDate }: ChargebackQuery,
): Promise<Statement> => {
  const coverage = await readCoverage(client);
  const processing = firstProcessing(coverage, month, nextMonth(month));
  const { to, isWhole } = statementEnd({ month, processing, toDate }, millis(Date.now()));
  const range = completeRange(coverage, month, to);
  const usage = await readMonth(client, { range, subscriptionKey, withTags: tagName !== null });
  const { notCovered } = range;
  return statementOf(usage, prices, context, tagName, { month, to, isWhole, notCovered });
};
