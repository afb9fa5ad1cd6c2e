import { LosslessNumber, stringify } from 'lossless-json';
import { formatQuantity } from '../../shared/model/decimal.ts';
import { isoText, type Hour } from '../../shared/model/time.ts';
import { usageMonthOf } from '../../shared/model/usage-months.ts';
import type { Pending } from '../ports.ts';

/** The most submissions in one request (docs/azure.md, "Metering service"). */
export const MAX_BATCH = 25;

/** As Azure writes the time of a stamp's usage: `11/27/2026 16:00:00`. */
const eventDateTime = (hour: Hour): string => {
  const [date = '', time = ''] = isoText(hour).split('T');
  const [year = '', month = '', day = ''] = date.split('-');
  return `${month}/${day}/${year} ${time.slice(0, 8)}`;
};

/**
 * What Azure shows of a stamp's usage (docs/azure.md, "Sources", utilization records). The months stand there only if
 * some of it was used in another month than the one of its hour, so that an invoice can list it as late usage.
 */
const additionalInfo = ({ hour, submission }: Pending) => {
  const months = submission.usageMonths;
  const isLate = months.some(({ month }) => month !== usageMonthOf(hour));
  return {
    'azureStack.SubscriptionId': submission.subscriptionId,
    'azureStack.MeterId': submission.meters.join(','),
    'azureStack.Location': submission.location,
    'azureStack.EventDateTime': eventDateTime(hour),
    ...(isLate && {
      usageMonths: months.map(({ month, quantity }) => ({
        month,
        quantity: formatQuantity(quantity),
      })),
    }),
  };
};

/**
 * The body of a batch. It depends only on stored rows, so a submission is resent verbatim. Its quantity is
 * an exact number with all its digits.
 * @param withInfo whether to send `additionalInfo`, which the metering service does not document
 */
export const batchBody = (batch: readonly Pending[], withInfo: boolean): string =>
  stringify({
    request: batch.map((pending) => ({
      resourceUri: pending.submission.resourceUri,
      quantity: new LosslessNumber(formatQuantity(pending.submission.quantity)),
      dimension: pending.submission.dimension,
      effectiveStartTime: isoText(pending.hour),
      planId: pending.submission.planId,
      ...(withInfo && { additionalInfo: additionalInfo(pending) }),
    })),
  }) ?? '';
