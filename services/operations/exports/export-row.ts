import type { Quantity } from '../../shared/model/decimal.ts';
import type { EventTexts } from '../../shared/model/event-texts.ts';
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
export interface ExportRow extends ReportedSpan, EventTexts {
  readonly usageStart: Millis;
  /** Exclusive. */
  readonly usageEnd: Millis;
  /** Ids in lower case are identities; the texts are as the first event wrote them. */
  readonly subscriptionKey: string;
  readonly meterKey: string;
  readonly quantity: Quantity;
}
