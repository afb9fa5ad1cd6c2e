import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../clickhouse/client.ts';

/** The progress of billing: numbers of compositions, aggregates and submissions. */
export interface BillingCounts {
  /** Composed hours of source partitions. */
  readonly compositions: number;
  /** Aggregates in submissions: billable, or of an unknown meter. */
  readonly aggregates: number;
  readonly submissions: number;
  /** Commerce accepted them now. */
  readonly accepted: number;
  /** Commerce had accepted them before with the same quantity: an answer was lost. */
  readonly duplicate: number;
  /** Commerce holds another quantity: never expected. */
  readonly mismatch: number;
  /** Submissions of meters that the catalog does not know. */
  readonly held: number;
  readonly zero: number;
  /** The stamp was not registered, or did not report. */
  readonly notReported: number;
  /** Adjustments took back more than was used. */
  readonly credit: number;
  /** Moved into a later hour. */
  readonly carried: number;
  readonly deadLettered: number;
  /** Still to be sent. */
  readonly pending: number;
}

/** Reads what the bridge has composed, and the outcomes. */
export const readBillingCounts = async (client: ClickHouseClient): Promise<BillingCounts> => {
  const [composed] = await queryRows<{
    readonly compositions: string;
    readonly aggregates: string;
  }>(
    client,
    `SELECT toString(count()) AS compositions, toString(sum(submitted)) AS aggregates
     FROM compositions FINAL`,
  );
  const rows = await queryRows<{ readonly outcome: string; readonly count: string }>(
    client,
    'SELECT outcome, toString(count()) AS count FROM commerce_usage GROUP BY outcome',
  );
  const counts = new Map(rows.map(({ outcome, count }) => [outcome, Number(count)]));
  const of = (outcome: string): number => counts.get(outcome) ?? 0;
  return {
    compositions: Number(composed?.compositions ?? 0),
    aggregates: Number(composed?.aggregates ?? 0),
    submissions: [...counts.values()].reduce((a, b) => a + b, 0),
    accepted: of('accepted'),
    duplicate: of('duplicate'),
    mismatch: of('mismatch'),
    held: of('held'),
    zero: of('zero'),
    notReported: of('not-reported'),
    credit: of('credit'),
    carried: of('carried'),
    deadLettered: of('dead-lettered'),
    pending: of('pending'),
  };
};
