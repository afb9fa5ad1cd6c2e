import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { quantityFromText } from '../../shared/clickhouse/values.ts';
import type { Quantity } from '../../shared/model/decimal.ts';
import { asciiLower } from '../../shared/model/placement.ts';
import { millis, type Hour, type Millis } from '../../shared/model/time.ts';
import { OF_SOURCES, sourcesParam } from '../../shared/usage-store/usage-buckets.ts';
import { readAdjustments } from '../adjustments/adjustment-table.ts';
import type { CompleteRange } from '../exports/range-sources.ts';

/** What a subscription used of a meter on one day, as far as it was reported in the month. */
export interface DayUsage {
  /** The day of the usage: prices change at UTC midnight only. */
  readonly usageDay: Millis;
  readonly subscriptionKey: string;
  readonly meterKey: string;
  /** As the provider wrote them; null also where they do not matter. */
  readonly tags: string | null;
  readonly quantity: Quantity;
}

/** What a person took back from the usage of a month, or added to it. */
export interface MonthAdjustment {
  readonly subscriptionKey: string;
  readonly meterKey: string;
  readonly resourceUri: string;
  readonly usageHour: Hour;
  readonly quantity: Quantity;
  readonly reason: string;
}

interface Row {
  readonly day: number;
  readonly subscription_key: string;
  readonly meter_key: string;
  readonly tags: string | null;
  readonly quantity: string;
}

export interface MonthSelection {
  readonly range: CompleteRange;
  readonly subscriptionKey: string | null;
  /** Whether usage with other tags stays apart. */
  readonly withTags: boolean;
}

/** Reads what was reported in a complete range, added up by day of usage. */
export const readMonth = async (
  client: ClickHouseClient,
  { range, subscriptionKey, withTags }: MonthSelection,
): Promise<readonly DayUsage[]> => {
  if (range.sources.length === 0) return [];
  const rows = await queryRows<Row>(
    client,
    `SELECT toUnixTimestamp(toStartOfDay(u.usage_hour)) AS day, u.subscription_key AS subscription_key,
       u.meter_key AS meter_key, ${withTags ? 'u.tags' : "CAST(NULL, 'Nullable(String)')"} AS tags,
       toString(sum(u.quantity)) AS quantity
     FROM usage_hourly AS u FINAL
     WHERE u.reported_hour >= toDateTime({from:UInt32}, 'UTC') AND u.reported_hour < toDateTime({to:UInt32}, 'UTC')
       AND ${OF_SOURCES}
       ${subscriptionKey === null ? '' : 'AND u.subscription_key = {subscription:String}'}
     GROUP BY day, subscription_key, meter_key, tags
     ORDER BY subscription_key, meter_key, day, tags`,
    {
      from: range.from / 1000,
      to: range.to / 1000,
      sources: sourcesParam(range.sources),
      ...(subscriptionKey !== null && { subscription: subscriptionKey }),
    },
  );
  return rows.map((row) => ({
    usageDay: millis(row.day * 1000),
    subscriptionKey: row.subscription_key,
    meterKey: row.meter_key,
    tags: row.tags,
    quantity: quantityFromText(row.quantity),
  }));
};

/** The adjustments that count in these reported hours, as far as the ledger still has them. */
export const readMonthAdjustments = async (
  client: ClickHouseClient,
  { range, subscriptionKey }: MonthSelection,
): Promise<readonly MonthAdjustment[]> => {
  const all = await readAdjustments(client, { subscription: subscriptionKey ?? undefined });
  return all
    .filter(
      ({ countedIn }) => countedIn !== null && countedIn >= range.from && countedIn < range.to,
    )
    .map(({ subscriptionId, meterId, resourceUri, usageHour, quantity, reason }) => ({
      subscriptionKey: asciiLower(subscriptionId),
      meterKey: asciiLower(meterId),
      resourceUri,
      usageHour,
      quantity,
      reason,
    }));
};
