import { asciiLower } from '../model/placement.ts';
import type { Hour } from '../model/time.ts';

/** Whether usage is reported to Commerce, and if not, why. */
export type Reporting = 'on' | 'no-registration' | 'not-registered' | 'capacity' | 'disabled';

/** Why a known meter is not sent. */
export type UnbilledMeter = 'admin' | 'deprecated' | 'local-only';

/** What becomes of usage that is older than Commerce accepts: it goes into a later hour, or is a dead letter. */
export type LateUsage = 'carried' | 'dead-lettered';

/** A meter that is sent: as the catalog writes it, the name under which Commerce bills it, and its plan. */
export interface BilledMeter {
  readonly meterId: string;
  readonly dimension: string;
  readonly planId: string;
}

/**
 * What counts as billable from a reported hour on. Rows never change, and new terms begin after every hour
 * that can have been composed. So composing an hour again gives the same result.
 */
export interface BillingTerms {
  /** The first reported hour to which they apply. They end where the next terms begin. */
  readonly effectiveFrom: Hour;
  readonly reporting: Reporting;
  /** The plan of submissions whose meter has no plan of its own; empty if nothing is reported. */
  readonly planId: string;
  readonly billedMeters: readonly BilledMeter[];
  /** Known meters that are not sent, in the catalog's spelling. */
  readonly otherMeters: readonly { readonly meterId: string; readonly reason: UnbilledMeter }[];
  /** Subscriptions of the stamp's own infrastructure, in lower case. Their usage is not sent. */
  readonly infrastructure: readonly string[];
  readonly late: LateUsage;
}

/** The terms of a reported hour. The list is in order, and its first terms apply to all of history. */
export const termsOf = <Terms extends BillingTerms>(
  terms: readonly Terms[],
  hour: Hour,
): Terms | null => terms.findLast(({ effectiveFrom }) => effectiveFrom <= hour) ?? null;

/** How a known meter is billed. */
export type MeterTerms =
  | ({ readonly billable: true } & BilledMeter)
  | { readonly billable: false; readonly meterId: string; readonly reason: UnbilledMeter };

/** Known meters, by their ids in lower case. */
export const meterTerms = ({
  billedMeters,
  otherMeters,
}: BillingTerms): ReadonlyMap<string, MeterTerms> =>
  new Map<string, MeterTerms>([
    ...otherMeters.map((each) => [asciiLower(each.meterId), { billable: false, ...each }] as const),
    ...billedMeters.map((each) => [asciiLower(each.meterId), { billable: true, ...each }] as const),
  ]);
