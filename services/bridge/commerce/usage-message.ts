import { LosslessNumber, stringify } from 'lossless-json';
import { formatQuantity } from '../../shared/model/decimal.ts';
import { isoText } from '../../shared/model/time.ts';
import type { Pending } from '../ports.ts';

/** The most submissions in one request (docs/azure.md, "Metering service"). */
export const MAX_BATCH = 25;

/**
 * The body of a batch. It depends only on stored rows, so a submission is resent verbatim. Its quantity is
 * an exact number with all its digits.
 */
export const batchBody = (batch: readonly Pending[]): string =>
  stringify({
    request: batch.map(({ hour, submission }) => ({
      resourceUri: submission.resourceUri,
      quantity: new LosslessNumber(formatQuantity(submission.quantity)),
      dimension: submission.dimension,
      effectiveStartTime: isoText(hour),
      planId: submission.planId,
    })),
  }) ?? '';
