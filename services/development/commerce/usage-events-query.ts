import { asciiLower, subscriptionOf } from '../../shared/model/placement.ts';
import {
  DAY_MILLIS,
  hourOf,
  isoText,
  millis,
  type Hour,
  type Millis,
} from '../../shared/model/time.ts';
import { parseTimeInUtc, type WrittenTime } from '../../shared/model/time-text.ts';
import type { Body } from './answers.ts';
import type { Detail } from './event-check.ts';
import { resourceName, type AcceptedEvent, type Identity } from './metering-event.ts';

/**
 * `GET /api/usageEvents` (docs/azure.md, "Retrieving accepted usage"). The public documents give its shape by an example only.
 * Own design:
 * - one row per resource, dimension, plan and hour, `usageDate` being the hour;
 * - a row is in the period if any of its hour is: both ends count, and an end that is a mere date
 *   means all of that day. Without an end it is now;
 * - what is accepted is reconciled at once: every row is `Accepted`, processed as it was submitted;
 * - `usageResourceId`, a filter that Azure does not have, looks up one resource.
 */
export interface UsageEventsQuery {
  readonly from: Hour;
  readonly through: Hour;
  /** Filters are in lower case; null lets everything pass. */
  readonly dimension: string | null;
  readonly usageResourceId: string | null;
  readonly azureSubscriptionId: string | null;
  readonly planId: string | null;
  readonly offerId: string | null;
  readonly reconStatus: string | null;
}

/** The mock has one offer; every event belongs to it. */
const OFFER = { offerId: 'usage-pipeline', offerName: 'Usage pipeline' } as const;

const RECON_STATUSES = ['Submitted', 'Accepted', 'Rejected', 'Mismatch', 'TestHeaders', 'DryRun'];

/** As the documents write them, `UsageEndDate` too; they are taken in any case. */
export const USAGE_EVENTS_PARAMETERS = [
  'usageStartDate',
  'UsageEndDate',
  'offerId',
  'planId',
  'dimension',
  'azureSubscriptionId',
  'reconStatus',
  'usageResourceId',
] as const;

type Parameter = (typeof USAGE_EVENTS_PARAMETERS)[number];

export type QueryResult =
  | { readonly kind: 'query'; readonly query: UsageEventsQuery }
  | { readonly kind: 'invalid'; readonly details: readonly Detail[] };

/** @param parameters by the names of `USAGE_EVENTS_PARAMETERS` */
export const readUsageEventsQuery = (
  parameters: ReadonlyMap<string, string>,
  now: Millis,
  hourMillis: number,
): QueryResult => {
  const details: Detail[] = [];
  const date = (name: Parameter): WrittenTime | null => {
    const text = parameters.get(name);
    if (text === undefined) return null;
    const parsed = parseTimeInUtc(text);
    if (parsed.ok) return parsed.value;
    details.push({ target: name, message: `The ${name} ${parsed.error}.` });
    return null;
  };
  const filter = (name: Parameter): string | null => {
    const text = parameters.get(name);
    return text === undefined ? null : asciiLower(text);
  };

  const start = date('usageStartDate');
  const end = date('UsageEndDate');
  const reconStatus = filter('reconStatus');
  if (!parameters.has('usageStartDate')) {
    details.push({ target: 'usageStartDate', message: 'The usageStartDate is required.' });
  }
  if (reconStatus !== null && !RECON_STATUSES.some((known) => asciiLower(known) === reconStatus)) {
    const message = `The reconStatus is none of ${RECON_STATUSES.join(', ')}.`;
    details.push({ target: 'reconStatus', message });
  }
  if (start === null || details.length > 0) return { kind: 'invalid', details };
  return {
    kind: 'query',
    query: {
      from: hourOf(start.instant, hourMillis),
      through: hourOf(end === null ? now : lastInstant(end), hourMillis),
      dimension: filter('dimension'),
      usageResourceId: filter('usageResourceId'),
      azureSubscriptionId: filter('azureSubscriptionId'),
      planId: filter('planId'),
      offerId: filter('offerId'),
      reconStatus,
    },
  };
};

const lastInstant = ({ instant, isWholeDay }: WrittenTime): Millis =>
  isWholeDay ? millis(instant + DAY_MILLIS - 1) : instant;

/** True unless nothing can match the query, so that nothing need be read. */
export const canMatch = (query: UsageEventsQuery): boolean =>
  passes(query.reconStatus, 'Accepted') && passes(query.offerId, OFFER.offerId);

/** What is known about an event before it is read. */
export const identityMatches =
  ({ dimension, usageResourceId, azureSubscriptionId }: UsageEventsQuery) =>
  (identity: Identity): boolean =>
    passes(dimension, identity.dimension) &&
    passes(usageResourceId, identity.resource) &&
    (azureSubscriptionId === null || subscriptionOf(identity.resource) === azureSubscriptionId);

export const eventMatches = ({ planId }: UsageEventsQuery, event: AcceptedEvent): boolean =>
  passes(planId, event.planId);

const passes = (filter: string | null, value: string): boolean =>
  filter === null || asciiLower(value) === filter;

export const usageEventsRow = (event: AcceptedEvent): Body => {
  const usageResourceId = resourceName(event.resource);
  return {
    usageDate: isoText(event.hour),
    usageResourceId,
    dimension: event.dimension,
    planId: event.planId,
    planName: event.planId,
    ...OFFER,
    offerType: 'resourceId' in event.resource ? 'SaaS' : 'AzureApplication',
    azureSubscriptionId: subscriptionOf(usageResourceId),
    reconStatus: 'Accepted',
    submittedQuantity: event.quantity,
    processedQuantity: event.quantity,
    submittedCount: 1,
  };
};
