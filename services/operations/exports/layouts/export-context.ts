import { asciiLower } from '../../../shared/model/placement.ts';
import type { Meter } from '../../../shared/meters/meter-catalog.ts';
import type { Subscription } from '../../../shared/model/subscription.ts';
import { priceFinder, type PriceFinder, type RateBook } from '../../rates/rate-book.ts';
import type { ExportRow } from '../export-row.ts';

/** What an export adds to the rows of usage. */
export interface ExportContext {
  readonly meterOf: (row: Pick<ExportRow, 'meterKey'>) => Meter | null;
  /** The name of a subscription in the directory; its id if it has none. */
  readonly subscriptionName: (row: Pick<ExportRow, 'subscriptionKey' | 'subscriptionId'>) => string;
  /** Null for an export without costs. */
  readonly prices: PricedBy | null;
}

export interface PricedBy {
  readonly book: RateBook;
  readonly of: PriceFinder;
}

export const exportContext = (
  meters: readonly Meter[],
  subscriptions: readonly Pick<Subscription, 'id' | 'displayName'>[],
  book: RateBook | null,
): ExportContext => {
  const names = new Map(subscriptions.map(({ id, displayName }) => [id, displayName]));
  const byKey = new Map(meters.map((meter) => [asciiLower(meter.meterId), meter]));
  return {
    meterOf: ({ meterKey }) => byKey.get(meterKey) ?? null,
    subscriptionName: ({ subscriptionKey, subscriptionId }) =>
      names.get(subscriptionKey) || subscriptionId,
    prices: book === null ? null : { book, of: priceFinder(book.rates) },
  };
};

/** The price of a row for its subscription; null where it has none. */
export const unitPrice = (
  { of }: PricedBy,
  {
    meterKey,
    subscriptionKey,
    usageStart,
  }: Pick<ExportRow, 'meterKey' | 'subscriptionKey' | 'usageStart'>,
): bigint | null => of(meterKey, subscriptionKey, usageStart).contracted;
