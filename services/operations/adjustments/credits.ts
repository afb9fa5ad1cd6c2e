import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import {
  hourFromSeconds,
  monthsFromRecord,
  quantityFromText,
} from '../../shared/clickhouse/values.ts';
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

interface Row {
  readonly id: string;
  readonly hour: number;
  readonly resource: string;
  readonly dimension: string;
  readonly quantity: string;
  readonly months: Readonly<Record<string, string>>;
}

/** All credits, in the order of their hours. */
export const readCredits = async (client: ClickHouseClient): Promise<readonly CreditDue[]> => {
  const rows = await queryRows<Row>(
    client,
    `SELECT toString(u.submission_id) AS id, toUnixTimestamp(u.reported_hour) AS hour, u.resource_uri AS resource,
       u.dimension AS dimension, toString(u.quantity) AS quantity,
       mapApply((month, part) -> (month, toString(part)), u.usage_months) AS months
     FROM commerce_usage AS u WHERE u.outcome = 'credit'
     ORDER BY u.reported_hour, resource, dimension`,
  );
  return rows.map((row) => ({
    submissionId: row.id,
    hour: hourFromSeconds(row.hour),
    resourceUri: row.resource,
    dimension: row.dimension,
    quantity: quantityFromText(row.quantity),
    months: monthsFromRecord(row.months),
  }));
};
