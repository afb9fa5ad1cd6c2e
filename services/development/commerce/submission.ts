import type { Millis } from '../../shared/model/time.ts';
import type { AcceptedEvents } from './accepted-events.ts';
import type { Outcome } from './answers.ts';
import { checkEvent, type CheckRules } from './event-check.ts';

/** The most events in one request (docs/azure.md, "Metering service"). */
export const MAX_BATCH = 25;

export interface SubmissionPorts {
  readonly accept: AcceptedEvents['accept'];
  readonly rules: Omit<CheckRules, 'now'>;
  readonly newId: () => string;
}

/** Checks the events of a request and stores the valid ones. Outcomes are in the order of the inputs. */
export const submit = async (
  inputs: readonly unknown[],
  now: Millis,
  { accept, rules, newId }: SubmissionPorts,
): Promise<readonly Outcome[]> => {
  const checked = inputs.map((input) => checkEvent(input, { ...rules, now }));
  const decisions = await accept(
    checked.flatMap((check) =>
      check.kind === 'valid' ? [{ ...check.event, usageEventId: newId(), messageTime: now }] : [],
    ),
  );
  const decided = decisions.values();
  return checked.map((check): Outcome => {
    if (check.kind === 'refused') return check;
    const next = decided.next();
    if (next.done) throw new Error('the store decided fewer events than it was given');
    return next.value;
  });
};
