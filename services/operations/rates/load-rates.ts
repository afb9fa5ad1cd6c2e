import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows } from '../../shared/clickhouse/client.ts';
import { decimalText } from '../../shared/model/decimal.ts';
import { actorName } from '../../shared/sources/actor.ts';
import { recordOperation } from '../../shared/sources/register.ts';
import { PRICE_SCALE, type RateBook } from './rate-book.ts';

/**
 * Loads a price list into `rates`, for the view with costs. It replaces the one before as a whole: the newest one counts. One insert is one
 * block, so nobody sees a part of it.
 */
export const loadRates = async (
  client: ClickHouseClient,
  { currency, rates }: RateBook,
  file: string,
  now: number,
): Promise<void> => {
  const actor = actorName();
  await insertRows(
    client,
    'rates',
    rates.map(({ meterKey, subscriptionKey, from, price }) => ({
      loaded_at: (now / 1000).toFixed(6),
      actor,
      currency,
      meter_key: meterKey,
      subscription_key: subscriptionKey ?? '',
      effective_from: from / 1000,
      price: price === null ? null : decimalText(price, PRICE_SCALE),
    })),
  );
  await recordOperation(
    client,
    {
      kind: 'rates-loaded',
      subject: file,
      detail: { currency, rates: rates.length },
    },
    actor,
  );
};
