import type { Millis } from '../../shared/model/time.ts';
import type { AcceptedEvents } from './accepted-events.ts';
import type { Outcome } from './answers.ts';
import { checkEvent, type CheckRules, type Refused } from './event-check.ts';
import type { Billing, MeteringEvent } from './metering-event.ts';
import type { Caller } from './sign-in/access-tokens.ts';

/** The most events in one request (docs/azure.md, "Metering service"). */
export const MAX_BATCH = 25;

export interface SubmissionPorts {
  readonly accept: AcceptedEvents['accept'];
  readonly rules: Omit<CheckRules, 'now'>;
  readonly newId: () => string;
  readonly whoPays: (
    event: Pick<MeteringEvent, 'resource' | 'additionalInfo'>,
    caller: Caller,
  ) => Billing;
}

export interface Submission {
  readonly inputs: readonly unknown[];
  /** When it is accepted. */
  readonly now: Millis;
  /** By which clock it is judged: another one only if a test makes the clock wrong. */
  readonly judgedAt: Millis;
  readonly caller: Caller;
  /** The refusal of the event at a place, where a test asks for one. */
  readonly refuse: (place: number) => Refused | null;
}

/** Checks the events of a request and stores the valid ones. Outcomes are in the order of the inputs. */
export const submit = async (
  { inputs, now, judgedAt, caller, refuse }: Submission,
  { accept, rules, newId, whoPays }: SubmissionPorts,
): Promise<readonly Outcome[]> => {
  const checked = inputs.map(
    (input, place) => refuse(place) ?? checkEvent(input, { ...rules, now: judgedAt }),
  );
  const decisions = await accept(
    checked.flatMap((check) =>
      check.kind === 'valid'
        ? [
            {
              ...check.event,
              ...whoPays(check.event, caller),
              usageEventId: newId(),
              messageTime: now,
            },
          ]
        : [],
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
