import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import {
  submissionColumns,
  submissionFrom,
  type SubmissionColumns,
} from '../../shared/billing/submission-columns.ts';
import { hourFromSeconds } from '../../shared/clickhouse/values.ts';
import type { Quantity } from '../../shared/model/decimal.ts';
import type { Hour } from '../../shared/model/time.ts';
import type { UsageMonths } from '../../shared/model/usage-months.ts';

/** A submission below zero, which Commerce cannot be told: it is to be claimed from Microsoft. */
export interface CreditDue {
  readonly submissionId: string;
  readonly hour: Hour;
  readonly resourceUri: string;
  readonly dimension: string;
  /** Below zero. */
  readonly quantity: Quantity;
  readonly months: UsageMonths;
}

/** All credits, in the order of their hours. */
export const readCredits = async (client: ClickHouseClient): Promise<readonly CreditDue[]> => {
  const rows = await queryRows<SubmissionColumns & { readonly hour: number }>(
    client,
    `SELECT toUnixTimestamp(u.reported_hour) AS hour, ${submissionColumns('u')}
     FROM commerce_usage AS u WHERE u.outcome = 'credit'
     ORDER BY u.reported_hour, resource_uri, dimension`,
  );
  return rows.map((row) => {
    const { submissionId, resourceUri, dimension, quantity, usageMonths } = submissionFrom(row);
    const hour = hourFromSeconds(row.hour);
    return { submissionId, hour, resourceUri, dimension, quantity, months: usageMonths };
  });
};
