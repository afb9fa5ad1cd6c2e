import type { BillingCounts } from '../../shared/billing/billing-counts.ts';
import { partitionName } from '../../shared/model/source.ts';
import type { PartitionStatus } from './partitions.ts';
import type { ServiceStatus } from './services.ts';

/** What is known about the parts of the pipeline that can have problems. */
export interface Known {
  readonly services: readonly ServiceStatus[];
  readonly partitions: readonly PartitionStatus[];
  readonly bridge: readonly string[];
  /** Restatements that are not written yet, in words. */
  readonly restating: readonly string[];
  readonly billing: BillingCounts;
  /** Usage that waits for so long that Commerce will soon refuse it, in words; null if none does. */
  readonly unsent: string | null;
}

const number = (value: number): string => value.toLocaleString('en');

/** What is wrong with submissions that have their outcome, one sentence each. */
export const billingProblems = (billing: BillingCounts): readonly string[] => [
  ...(billing.deadLettered > 0
    ? [
        `Commerce refused ${number(billing.deadLettered)} submissions for good: "usagectl bridge reconcile"`,
      ]
    : []),
  ...(billing.mismatch > 0
    ? [
        `Commerce holds another quantity for ${number(billing.mismatch)} submissions: "usagectl bridge reconcile"`,
      ]
    : []),
];

/** Everything that needs attention, one sentence each; empty if all is well. */
export const problemsOf = ({
  services,
  partitions,
  bridge,
  restating,
  billing,
  unsent,
}: Known): readonly string[] => [
  ...services
    .filter(({ isWrong }) => isWrong)
    .map(({ name, state, reason }) => `${name}: ${state}${reason === null ? '' : `: ${reason}`}`),
  ...(partitions.length === 0
    ? ['no source is registered, so nothing is counted: run "usagectl provision"']
    : []),
  ...partitions.flatMap((each) =>
    each.trouble === null ? [] : [`${partitionName(each)}: ${each.trouble}`],
  ),
  ...bridge,
  ...restating,
  ...(unsent === null ? [] : [unsent]),
  ...billingProblems(billing),
];
