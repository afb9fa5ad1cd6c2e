import { monthsFromRecord, quantityFromText } from '../clickhouse/values.ts';
import type { Carriable } from '../model/usage-carry.ts';

/** What a query of `submissionColumns` gives. */
export interface SubmissionColumns {
  readonly submission_id: string;
  readonly resource_uri: string;
  readonly subscription_id: string;
  readonly location: string;
  readonly dimension: string;
  readonly meters: readonly string[];
  readonly quantity: string;
  readonly months: Readonly<Record<string, string>>;
}

/** SQL of a submission's columns, of `commerce_submissions` or `commerce_usage` under an alias. */
export const submissionColumns = (alias: string): string => {
  const plain = ['resource_uri', 'subscription_id', 'location', 'dimension', 'meters'];
  return [
    `toString(${alias}.submission_id) AS submission_id`,
    ...plain.map((name) => `${alias}.${name} AS ${name}`),
    `toString(${alias}.quantity) AS quantity`,
    `mapApply((month, part) -> (month, toString(part)), ${alias}.usage_months) AS months`,
  ].join(', ');
};

export const submissionFrom = (row: SubmissionColumns): Carriable['submission'] => ({
  submissionId: row.submission_id,
  resourceUri: row.resource_uri,
  subscriptionId: row.subscription_id,
  location: row.location,
  dimension: row.dimension,
  meters: row.meters,
  quantity: quantityFromText(row.quantity),
  usageMonths: monthsFromRecord(row.months),
});
