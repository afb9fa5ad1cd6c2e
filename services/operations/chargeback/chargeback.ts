import type { ClickHouseClient } from '@clickhouse/client';
import { HOUR_MILLIS, millis, nextMonth, type Millis } from '../../shared/model/time.ts';
import { firstProcessing, readCoverage } from '../../shared/sources/coverage.ts';
import type { ExportContext, PricedBy } from '../exports/layouts/export-context.ts';
import { completeRange } from '../exports/range-sources.ts';
import { checkUnmixed, readUnmixed } from '../exports/unmixed.ts';
import { readMonth, readMonthAdjustments } from './read-month.ts';
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
 * @throws UserError if the month is not over or not complete, has no complete hour yet, or is being restated
 */
export const chargeback = (
  client: ClickHouseClient,
  context: ExportContext,
  prices: PricedBy,
  { month, subscriptionKey, tagName, toDate }: ChargebackQuery,
): Promise<Statement> =>
  readUnmixed(
    async () => {
      const coverage = await readCoverage(client);
      const processing = firstProcessing(coverage, month, nextMonth(month));
      const end = statementEnd({ month, processing, toDate }, millis(Date.now()));
      const range = { ...completeRange(coverage, month, end.to), isWhole: end.isWhole };
      return { client, coverage, hourMillis: HOUR_MILLIS, range };
    },
    async (reading) => {
      const { range } = reading;
      const { to, isWhole, notCovered } = range;
      const selection = { range, subscriptionKey, withTags: tagName !== null };
      const usage = await readMonth(client, selection);
      const adjustments = await readMonthAdjustments(client, selection);
      await checkUnmixed(reading);
      const time = { month, to, isWhole, notCovered };
      return statementOf(usage, prices, context, tagName, time, adjustments);
    },
  );
