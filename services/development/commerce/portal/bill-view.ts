import type { Millis } from '../../../shared/model/time.ts';
import type { Names } from './names.ts';
import type { PortalQuery } from './portal-query.ts';
import type { PricedLine } from './pricing.ts';

/** What the page of costs shows, and the same as JSON. */
export interface BillPage {
  readonly query: PortalQuery & { readonly month: Millis };
  /** Months with usage, oldest first. */
  readonly months: readonly Millis[];
  /** Those of the month that the query selects. */
  readonly lines: readonly PricedLine[];
  /** All lines of the month: who can be chosen. */
  readonly all: readonly PricedLine[];
  readonly names: Names;
  readonly currency: string;
  readonly uncharged: number;
  readonly anyAge: boolean;
}
