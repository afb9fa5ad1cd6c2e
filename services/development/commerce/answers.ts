import { isoText, type Millis } from '../../shared/model/time.ts';
import type { Decision } from './accepted-events.ts';
import { isFields, type Detail, type Refused } from './event-check.ts';
import type { AcceptedEvent } from './metering-event.ts';

/**
 * The bodies of answers, as the metering API documents them (docs/azure.md, "Metering service"). Quantities are
 * doubles, so an answer has the shortest text of the double that was sent.
 */
export type Body = Readonly<Record<string, unknown>>;

/** What became of one event of a request. */
export type Outcome = Decision | Refused;

/** The documented envelope of whatever is wrong with a request. */
export const badRequest = (details: readonly Detail[], target = 'usageEventRequest'): Body => ({
  message: 'One or more errors have occurred.',
  target,
  details: details.map((detail) => ({ ...detail, code: 'BadArgument' })),
  code: 'BadArgument',
});

const acceptedBody = (event: AcceptedEvent, status = 'Accepted'): Body => ({
  usageEventId: event.usageEventId,
  status,
  messageTime: isoText(event.messageTime),
  ...event.resource,
  quantity: event.quantity,
  dimension: event.dimension,
  effectiveStartTime: event.effectiveStartTime,
  planId: event.planId,
});

/** Tells the event that stands: the sender compares its quantity with the one it sent. */
const conflict = (standing: AcceptedEvent): Body => ({
  additionalInfo: { acceptedMessage: acceptedBody(standing, 'Duplicate') },
  message: 'This usage event already exist.',
  code: 'Conflict',
});

/** One element of a batch's result. An event that is not accepted is echoed as it was understood. */
export const batchItem = (outcome: Outcome, input: unknown, now: Millis): Body => {
  switch (outcome.kind) {
    case 'accepted':
      return acceptedBody(outcome.event);
    case 'duplicate':
      return item('Duplicate', conflict(outcome.event), input, now);
    case 'refused':
      return item(outcome.status, badRequest(outcome.details), input, now);
  }
};

const item = (status: string, error: Body, input: unknown, now: Millis): Body => ({
  status,
  messageTime: isoText(now),
  error,
  ...echo(input),
});

const ECHOED = [
  'resourceId',
  'resourceUri',
  'quantity',
  'dimension',
  'effectiveStartTime',
  'planId',
] as const;

const echo = (input: unknown): Body => {
  if (!isFields(input)) return {};
  const given = ECHOED.map((field) => [field, input[field]] as const);
  return Object.fromEntries(
    given.filter(([, value]) => typeof value === 'string' || typeof value === 'number'),
  );
};

/** The answer of the single endpoint, whose details name fields with a capital, as documented. */
export const singleAnswer = (outcome: Outcome): { status: 200 | 400 | 409; body: Body } => {
  switch (outcome.kind) {
    case 'accepted':
      return { status: 200, body: acceptedBody(outcome.event) };
    case 'duplicate':
      return { status: 409, body: conflict(outcome.event) };
    case 'refused':
      return { status: 400, body: badRequest(outcome.details.map(capitalized)) };
  }
};

const capitalized = ({ target, message }: Detail): Detail => ({
  target: target.slice(0, 1).toUpperCase() + target.slice(1),
  message,
});
