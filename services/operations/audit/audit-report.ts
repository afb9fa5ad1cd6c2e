import type { SourcePartition } from '../../shared/model/source.ts';
import type { BillingCounts } from './compare-billing.ts';
import type { Difference } from './differences.ts';
import type { Totals } from './partition-audit.ts';

/**
 * - `whole`: was recounted from its first record
 * - `partly`: the first records have expired; the records after them were recounted
 * - `expired`: all counted records have expired
 * - `gone`: an earlier epoch of the topic, whose log was deleted
 * - `another log`: the log is not the log that was counted
 * - `unreadable`: counted records can no longer be read
 * - `not begun`: the aggregator has stored nothing for it
 */
export type PartitionState =
  'whole' | 'partly' | 'expired' | 'gone' | 'another log' | 'unreadable' | 'not begun';

export interface AuditedPartition extends SourcePartition, Totals {
  readonly state: PartitionState;
  /** The recounted offsets, from `from` up to but not including `end`. */
  readonly from: number;
  readonly end: number;
  /** Records in the log after the checkpoint, which are not folded yet. */
  readonly lag: number;
  readonly accepted: number;
  readonly duplicate: number;
  readonly deadLettered: number;
  readonly control: number;
  /** Rows of hours and days that began before the first remaining record. */
  readonly notRecountable: { readonly hourly: number; readonly daily: number };
  readonly billing: BillingCounts;
  readonly differences: number;
}

export interface AuditReport {
  readonly partitions: readonly AuditedPartition[];
  readonly differences: number;
  /** The first differences. */
  readonly first: readonly Difference[];
}
