import { formatQuantity } from '../../shared/model/decimal.ts';
import { isoText } from '../../shared/model/time.ts';
import { usageMonthOf } from '../../shared/model/usage-months.ts';
import type { Pending } from '../ports.ts';

/** The most submissions in one request (docs/azure.md, "Metering service"). */
export const MAX_BATCH = 25;

/** A time of ISO 8601 as Azure writes the time of a stamp's usage: `11/27/2026 16:00:00`. */
const eventDateTime = (time: string): string =>
  `${time.slice(5, 7)}/${time.slice(8, 10)}/${time.slice(0, 4)} ${time.slice(11, 19)}`;

/**
 * What Azure shows of a stamp's usage (docs/azure.md, "Sources", utilization records). The months stand there only if
 * some of it was used in another month than the one of its hour, so that an invoice can list it as late usage.
 */
const additionalInfo = ({ hour, submission }: Pending, time: string) => {
  const months = submission.usageMonths;
  const isLate = months.some(({ month }) => month !== usageMonthOf(hour));
  return {
    'azureStack.SubscriptionId': submission.subscriptionId,
    'azureStack.MeterId': submission.meters.join(','),
    'azureStack.Location': submission.location,
    'azureStack.EventDateTime': eventDateTime(time),
    ...(isLate && {
      usageMonths: months.map(({ month, quantity }) => ({
        month,
        quantity: formatQuantity(quantity),
      })),
    }),
  };
};

/** `JSON.stringify` has no number with all digits of a quantity: so that is written beside the other fields. */
const eventText = (pending: Pending, withInfo: boolean): string => {
  const { resourceUri, dimension, planId, quantity } = pending.submission;
  const effectiveStartTime = isoText(pending.hour);
  const fields = JSON.stringify({
    resourceUri,
    dimension,
    effectiveStartTime,
    planId,
    ...(withInfo && { additionalInfo: additionalInfo(pending, effectiveStartTime) }),
  });
  return `{"quantity":${formatQuantity(quantity)},${fields.slice(1)}`;
};

/**
 * The body of a batch. It depends only on stored rows, so a submission is resent verbatim. Its quantity is
 * an exact number with all its digits.
 * @param withInfo whether to send `additionalInfo`, which the metering service does not document
 */
export const batchBody = (batch: readonly Pending[], withInfo: boolean): string =>
  `{"request":[${batch.map((pending) => eventText(pending, withInfo)).join(',')}]}`;
