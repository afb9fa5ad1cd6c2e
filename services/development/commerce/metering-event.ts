import { asciiLower } from '../../shared/model/placement.ts';
import { isoText, type Hour, type Millis } from '../../shared/model/time.ts';
import type { AdditionalInfo } from './additional-info.ts';

/** A resource has either a `resourceId`, a UUID, or a `resourceUri`, an Azure resource path. */
export type Resource = { readonly resourceId: string } | { readonly resourceUri: string };

/** A usage event that passed every check, in the caller's own spelling. */
export interface MeteringEvent {
  readonly resource: Resource;
  /** A double, as the API says. */
  readonly quantity: number;
  readonly dimension: string;
  readonly effectiveStartTime: string;
  /** The hour that holds `effectiveStartTime`: part of what makes two events the same. */
  readonly hour: Hour;
  readonly planId: string;
  readonly additionalInfo: AdditionalInfo | null;
}

/** Who pays for an event. It is decided when the event is accepted and never changes (docs/commerce.md, "Who pays"). */
export interface Billing {
  /** The name of the stamp's registration. */
  readonly registration: string;
  /** The stamp's local subscription, in lower case; null if the event does not say. */
  readonly tenantSubscription: string | null;
  /** The Azure subscription that is billed: the customer's, or the registration's own. */
  readonly billedTo: string;
}

/** An event that is, or was, accepted. */
export interface AcceptedEvent extends MeteringEvent, Billing {
  readonly usageEventId: string;
  /** When it was accepted. */
  readonly messageTime: Millis;
}

/** What two events have in common if the later one is a duplicate; all of it in lower case. */
export interface Identity {
  /** ISO 8601, so that identities sort by time. */
  readonly hour: string;
  readonly resource: string;
  readonly dimension: string;
}

export const resourceName = (resource: Resource): string =>
  'resourceId' in resource ? resource.resourceId : resource.resourceUri;

/** One event per resource, dimension and hour, whatever the case of their names (docs/azure.md, "One event per hour"). */
export const identityOf = (event: MeteringEvent): Identity => ({
  hour: isoText(event.hour),
  resource: asciiLower(resourceName(event.resource)),
  dimension: asciiLower(event.dimension),
});
