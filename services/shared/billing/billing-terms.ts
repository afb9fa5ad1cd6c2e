import { asciiLower } from '../model/placement.ts';
import type { Hour } from '../model/time.ts';

/** Whether Commerce is told of usage, and why not. */
export type Reporting = 'on' | 'no-registration' | 'not-registered' | 'capacity' | 'disabled';

/**
 * What counts as billable, from a reported hour on. Rows are never changed, and a new one begins
 * after every hour that can have been composed: composing an hour again gives the same.
 */
export interface BillingTerms {
  /** First reported hour for which they hold; they end where the next ones begin. */
  readonly effectiveFrom: Hour;
  readonly reporting: Reporting;
  /** The plan that submissions name; empty where nothing is reported. */
  readonly planId: string;
  /** Meters that are sent to Commerce, as the catalog writes them. */
  readonly billableMeters: readonly string[];
  /** Meters that are known and not sent. */
  readonly otherMeters: readonly string[];
}

/** The terms of a reported hour. They come in order; the first ones hold for all of history. */
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
