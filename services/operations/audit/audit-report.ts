import type { SourcePartition } from '../../shared/model/source.ts';
import type { BillingCounts } from './compare-billing.ts';
import type { Difference } from './differences.ts';
import type { Totals } from './partition-audit.ts';

/**
 * - `whole`: recounted from its first record
 * - `partly`: the first records have expired, what came after them is recounted
 * - `expired`: none of the records that were counted is left
 * - `gone`: an earlier epoch of a topic, whose log was deleted
 * - `another log`: what is there is not what was counted
 * - `unreadable`: what was counted cannot be read any more
 * - `not begun`: the aggregator has not stored anything of it
 */
export type PartitionState =
  'whole' | 'partly' | 'expired' | 'gone' | 'another log' | 'unreadable' | 'not begun';

export interface AuditedPartition extends SourcePartition, Totals {
  readonly state: PartitionState;
  /** Offsets that were recounted: from the first on and before the end. */
  readonly from: number;
  readonly end: number;
  /** Records in the log beyond the checkpoint: not folded yet. */
  readonly lag: number;
  readonly accepted: number;
  readonly duplicate: number;
  readonly deadLettered: number;
  readonly control: number;
  /** Rows of hours and days that had begun before the first record that is left. */
  readonly notRecountable: { readonly hourly: number; readonly daily: number };
  readonly billing: BillingCounts;
  readonly differences: number;
}

export interface AuditReport {
  readonly partitions: readonly AuditedPartition[];
  readonly differences: number;
  /** The first ones. */
  readonly first: readonly Difference[];
}
