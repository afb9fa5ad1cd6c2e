import { createHash } from 'node:crypto';
import { isoText, type Millis } from '../../shared/model/time.ts';
import { asciiLower } from '../../shared/model/placement.ts';
import type { Decision } from './accepted-events.ts';
import { isFields, type Detail, type Refused } from './event-check.ts';
import type { AcceptedEvent, Resource } from './metering-event.ts';

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
  messageTime: timeText(event.messageTime),
  ...bothNames(event.resource),
  quantity: event.quantity,
  dimension: event.dimension,
  effectiveStartTime: event.effectiveStartTime,
  planId: event.planId,
  ...(event.additionalInfo !== null && { additionalInfo: event.additionalInfo }),
});

/** With seven decimal places, as .NET writes it: `2021-12-14T20:29:42.0170000Z`. */
const timeText = (instant: Millis): string =>
  isoText(instant).replace(
    /(?:\.(\d{3}))?Z$/,
    (_, digits: string | undefined) => `.${digits ?? '000'}0000Z`,
  );

/**
 * The service knows a managed application by both of its names, and answers with both (test data of
 * `microsoft/metered-billing-accelerator`). Ours has no id of its own, so it gets one that follows from its URI.
 */
const bothNames = (resource: Resource): Body =>
  'resourceId' in resource
    ? resource
    : { resourceId: idOf(resource.resourceUri), resourceUri: resource.resourceUri };

const idOf = (resourceUri: string): string =>
  createHash('sha256')
    .update(asciiLower(resourceUri))
    .digest('hex')
    .replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-5$3-8$4-$5');

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
  messageTime: timeText(now),
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
