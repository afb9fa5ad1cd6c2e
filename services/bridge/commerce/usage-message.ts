import { LosslessNumber, stringify } from 'lossless-json';
import { formatQuantity } from '../../shared/model/decimal.ts';
import { isoText } from '../../shared/model/time.ts';
import type { Pending } from '../ports.ts';

/** Most submissions in one request (docs/azure.md, "Metering service"). */
export const MAX_BATCH = 25;

/**
 * The body of a batch. It depends on what is stored and on nothing else, so a submission is resent
 * word for word; its quantity is an exact number of as many digits as it has.
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
