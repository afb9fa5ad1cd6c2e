import type { Quantity } from '../../shared/model/decimal.ts';
import type { Millis } from '../../shared/model/time.ts';

/** The part of reported time that a row is the total of: an hour, a day, or a whole range. */
export interface ReportedSpan {
  readonly reportedStart: Millis;
  /** Exclusive. */
  readonly reportedEnd: Millis;
}

/**
 * The usage of one usage hour (or day), subscription, meter and resource that was reported in a span. It is a row of the usage API, but
 * with its exact quantity.
 */
export interface ExportRow extends ReportedSpan {
  readonly usageStart: Millis;
  /** Exclusive. */
  readonly usageEnd: Millis;
  /** Ids in lower case are identities; the others are as the first event wrote them. */
  readonly subscriptionKey: string;
  readonly meterKey: string;
  readonly subscriptionId: string;
  readonly meterId: string;
  readonly resourceUri: string;
  readonly location: string;
  readonly tags: string | null;
  readonly additionalInfo: string | null;
  readonly quantity: Quantity;
}
