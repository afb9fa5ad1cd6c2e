import type { CarryReason, UsageCarry } from '../shared/model/usage-carry.ts';
import type { Pending } from './ports.ts';

/** The carry of a submission, into a later hour of its own source partition. */
export const carryOf = ({ at, hour, submission }: Pending, reason: CarryReason): UsageCarry => {
  const { topic, epoch, partition } = at;
  const { submissionId, resourceUri, subscriptionId, location, dimension, meters } = submission;
  return {
    topic,
    epoch,
    partition,
    submissionId,
    from: { topic, epoch, partition, hour },
    reason,
    resourceUri,
    subscriptionId,
    location,
    dimension,
    meters,
    quantity: submission.quantity,
    months: submission.usageMonths,
  };
};
