import { asciiLower } from '../model/placement.ts';
import type { Hour } from '../model/time.ts';

/** Whether usage is reported to Commerce, and if not, why. */
export type Reporting = 'on' | 'no-registration' | 'not-registered' | 'capacity' | 'disabled';

/**
 * What counts as billable from a reported hour on. Rows never change, and new terms begin after every hour
 * that can have been composed. So composing an hour again gives the same result.
 */
export interface BillingTerms {
  /** The first reported hour to which they apply. They end where the next terms begin. */
  readonly effectiveFrom: Hour;
  readonly reporting: Reporting;
  /** The plan that submissions name; empty if nothing is reported. */
  readonly planId: string;
  /** Meters that are sent to Commerce, in the catalog's spelling. */
  readonly billableMeters: readonly string[];
  /** Known meters that are not sent. */
  readonly otherMeters: readonly string[];
}

/** The terms of a reported hour. The list is in order, and its first terms apply to all of history. */
export const termsOf = <Terms extends BillingTerms>(
  terms: readonly Terms[],
  hour: Hour,
): Terms | null => terms.findLast(({ effectiveFrom }) => effectiveFrom <= hour) ?? null;

/** How a meter is billed, by its id in lower case. */
export interface MeterTerms {
  readonly dimension: string;
  readonly billable: boolean;
}

export const meterTerms = (terms: BillingTerms): ReadonlyMap<string, MeterTerms> => {
  const meters = new Map<string, MeterTerms>();
  for (const dimension of terms.otherMeters) {
    meters.set(asciiLower(dimension), { dimension, billable: false });
  }
  for (const dimension of terms.billableMeters) {
    meters.set(asciiLower(dimension), { dimension, billable: true });
  }
  return meters;
};
