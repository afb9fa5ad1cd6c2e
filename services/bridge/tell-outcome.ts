import type { Logger } from 'pino';
import { isoText } from '../shared/model/time.ts';
import type { Outcome } from '../shared/billing/outcome.ts';
import type { Carriable } from '../shared/model/usage-carry.ts';

/** What a log line about a submission says of it. */
export const logFields = ({ hour, submission }: Carriable): Readonly<Record<string, unknown>> => ({
  submission: submission.submissionId,
  hour: isoText(hour),
  resource: submission.resourceUri,
  dimension: submission.dimension,
});

/** Tells what somebody should know: an alarm where the bill is wrong, an error for what is refused for good. */
export const tellOutcome = (logger: Logger, { pending, kind, code, message }: Outcome): void => {
  const fields = logFields(pending);
  if (kind === 'mismatch') logger.error(fields, `billing is wrong: ${message}`);
  if (kind === 'dead-lettered') {
    logger.error({ ...fields, code }, `Commerce refuses this usage: ${message}`);
  }
  if (kind === 'carried') {
    logger.warn(fields, 'Commerce no longer accepts this usage: it goes into a later hour');
  }
};

export const countsOf = (outcomes: readonly Outcome[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
};
