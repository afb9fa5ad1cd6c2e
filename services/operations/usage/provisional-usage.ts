import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { quantityFromText } from '../../shared/clickhouse/values.ts';
import { textsFrom } from '../../shared/model/event-texts.ts';
import { instanceData } from '../../shared/model/instance-data.ts';
import { dayOf, hourOf, millis, type Hour, type Millis } from '../../shared/model/time.ts';
import { countedSources, firstProcessing, type Coverage } from '../../shared/sources/coverage.ts';
import type { Visible } from '../../shared/sign-in/access.ts';
import type { UsageRow } from '../../shared/usage-client/usage-row.ts';
import {
  firstTexts,
  OF_SOURCES,
  sourcesParam,
  USAGE_BUCKETS,
} from '../../shared/usage-store/usage-buckets.ts';
import { roomFor, visibleSql } from '../../shared/usage-store/visible-sql.ts';

/** The usage of reported hours that are not closed yet, and may still grow. */
export interface ProvisionalQuery {
  /** Reported time, inclusive. */
  readonly from: Millis;
  /** Reported time, exclusive. */
  readonly to: Millis;
  readonly granularity: 'Hourly' | 'Daily';
  /** Null for all subscriptions. */
  readonly subscriberId: string | null;
  readonly hourMillis: number;
  readonly visible: Visible;
}

/**
 * The start of the first hour (or day) in the range that the usage API does not answer yet; `to` if it
 * answers all of it.
 */
export const provisionalFrom = (
  coverage: Coverage,
  { from, to, granularity, hourMillis }: Omit<ProvisionalQuery, 'visible'>,
): Millis => {
  const processing = firstProcessing(coverage, from, to);
  if (processing === null) return to;
  const hour: Hour = hourOf(processing, hourMillis);
  const start = granularity === 'Hourly' ? hour : dayOf(hour, hourMillis);
  return millis(Math.max(start, from));
};

interface Row {
  readonly usage_start: number;
  readonly usage_end: number;
  readonly texts: readonly (string | null)[];
  readonly quantity: string;
}

/** Windows of reported hours in the range, added up as the usage API does. */
export const provisionalSql = ({
  granularity,
  subscriberId,
  hourMillis,
  visible,
}: ProvisionalQuery): string => {
  const dayMillis = granularity === 'Hourly' ? hourMillis : 24 * hourMillis;
  const seconds = String(dayMillis / 1000);
  // Numbers of 64 bits would come as texts.
  const start = `toUInt32(intDiv(toUnixTimestamp(u.usage_hour), ${seconds}) * ${seconds})`;
  return `SELECT start AS usage_start, toUInt32(start + ${seconds}) AS usage_end, texts, quantity
    FROM (
      SELECT ${start} AS start, u.subscription_key AS subscription_key, u.meter_key AS meter_key,
        u.resource_key AS resource_key,
        ${firstTexts(USAGE_BUCKETS.hourly)} AS texts,
        toString(sum(u.quantity)) AS quantity
      FROM usage_hourly AS u FINAL
      WHERE u.reported_hour >= toDateTime({from:UInt32}, 'UTC') AND u.reported_hour < toDateTime({to:UInt32}, 'UTC')
        AND ${OF_SOURCES}
        ${subscriberId === null ? '' : 'AND u.subscription_key = lower({subscriber:String})'}
        ${visibleSql(visible)}
      GROUP BY start, subscription_key, meter_key, resource_key
    )
    ORDER BY start, subscription_key, meter_key, resource_key`;
};

/** The last instant of ClickHouse's `DateTime`. */
const LAST = 2 ** 32 - 1;

const secondsOf = (instant: Millis): number =>
  Math.min(Math.max(Math.floor(instant / 1000), 0), LAST);

/** What is stored so far for reported hours in the range. */
export const readProvisionalUsage = async (
  client: ClickHouseClient,
  coverage: Coverage,
  query: ProvisionalQuery,
): Promise<readonly UsageRow[]> => {
  const statement = provisionalSql(query);
  const params = {
    from: secondsOf(query.from),
    to: secondsOf(query.to),
    sources: sourcesParam(countedSources(coverage, query.from, query.to)),
    ...(query.subscriberId !== null && { subscriber: query.subscriberId }),
  };
  const rows = await queryRows<Row>(client, statement, params, roomFor(statement));
  return rows.map(usageRowOf);
};

/** In the form of the usage API, but with exact quantities. */
const usageRowOf = (row: Row): UsageRow => {
  const texts = textsFrom(row.texts);
  const name = `${texts.subscriptionId}-${texts.meterId}`;
  return {
    id: `/subscriptions/${texts.subscriptionId}/providers/Microsoft.Commerce/UsageAggregate/${name}`,
    name,
    type: 'Microsoft.Commerce/UsageAggregate',
    ...texts,
    usageStart: millis(row.usage_start * 1000),
    usageEnd: millis(row.usage_end * 1000),
    quantity: quantityFromText(row.quantity),
    instanceData: instanceData(texts),
  };
};
