import type { ClickHouseClient } from '@clickhouse/client';
import { SEQUENTIAL } from '../../shared/clickhouse/client.ts';
import { quantityFromText } from '../../shared/clickhouse/values.ts';
import { textsFrom } from '../../shared/model/event-texts.ts';
import type { SourceId } from '../../shared/model/source.ts';
import { millis, type Millis } from '../../shared/model/time.ts';
import {
  firstTexts,
  OF_SOURCES,
  sourcesParam,
  USAGE_BUCKETS,
} from '../../shared/usage-store/usage-buckets.ts';
import type { ExportRow } from './export-row.ts';

export type Granularity = keyof typeof USAGE_BUCKETS;

/** The length of the reported time that one row belongs to. */
export const reportedMillis = (granularity: Granularity, hourMillis: number): number =>
  USAGE_BUCKETS[granularity].hours * hourMillis;

/** Which rows to read: what sources reported in `[from, to)`, all of it closed. */
export interface RowSelection {
  readonly from: Millis;
  readonly to: Millis;
  readonly granularity: Granularity;
  /** The sources that answer for the range, see `countedSources`. */
  readonly sources: readonly SourceId[];
  /** In lower case; null for all. */
  readonly subscriptionKey: string | null;
  /**
   * Whether a row is the total of the whole range, as in an answer of the usage API. Otherwise it is the total of one reported hour or day,
   * and the same usage hour comes again if more of it was reported later.
   */
  readonly wholeRange: boolean;
  readonly hourMillis: number;
}

type Cells = readonly [
  reported: number,
  usageStart: number,
  usageEnd: number,
  subscriptionKey: string,
  meterKey: string,
  texts: readonly (string | null)[],
  quantity: string,
];

/** One row for each key, with the attributes of its earliest event: the rows of the usage API, in its order. */
const rowsSql = ({ granularity, wholeRange, subscriptionKey }: RowSelection): string => {
  const bucket = USAGE_BUCKETS[granularity];
  const { table, reported, usage, usageEnd } = bucket;
  const span = wholeRange ? `toDateTime({from:UInt32}, 'UTC')` : `u.${reported}`;
  const key = `${wholeRange ? '' : `u.${reported}, `}u.${usage}, u.subscription_key, u.meter_key, u.resource_key`;
  return `SELECT toUnixTimestamp(${span}), toUnixTimestamp(u.${usage}), toUnixTimestamp(max(u.${usageEnd})),
      u.subscription_key, u.meter_key,
      ${firstTexts(bucket)},
      toString(sum(u.quantity))
    FROM ${table} AS u FINAL
    WHERE u.${reported} >= toDateTime({from:UInt32}, 'UTC') AND u.${reported} < toDateTime({to:UInt32}, 'UTC')
      AND ${OF_SOURCES}
      ${subscriptionKey === null ? '' : 'AND u.subscription_key = {subscription:String}'}
    GROUP BY ${key} ORDER BY ${key}
    ${wholeRange ? '' : 'SETTINGS optimize_aggregation_in_order = 1'}`;
};

const instant = (seconds: number): Millis => millis(seconds * 1000);

const rowOf = (cells: Cells, selection: RowSelection, rowMillis: number): ExportRow => {
  const [reported, usageStart, usageEnd, subscriptionKey, meterKey, texts, text] = cells;
  const reportedStart = instant(reported);
  return {
    reportedStart,
    reportedEnd: selection.wholeRange ? selection.to : millis(reportedStart + rowMillis),
    usageStart: instant(usageStart),
    usageEnd: instant(usageEnd),
    subscriptionKey,
    meterKey,
    ...textsFrom(texts),
    quantity: quantityFromText(text),
  };
};

/** Reads rows in their order, as they arrive: a range may be larger than memory. */
export async function* readRows(
  client: ClickHouseClient,
  selection: RowSelection,
): AsyncGenerator<readonly ExportRow[]> {
  const { from, to, sources, granularity, subscriptionKey, hourMillis } = selection;
  if (sources.length === 0) return;
  const result = await client.query({
    query: rowsSql(selection),
    query_params: {
      from: from / 1000,
      to: to / 1000,
      sources: sourcesParam(sources),
      ...(subscriptionKey !== null && { subscription: subscriptionKey }),
    },
    format: 'JSONCompactEachRow',
    // Without it the client would take an answer that an error has ended for a whole one.
    clickhouse_settings: { ...SEQUENTIAL, wait_end_of_query: 1 },
  });
  const rowMillis = reportedMillis(granularity, hourMillis);
  for await (const block of result.stream<Cells>()) {
    yield block.map((each) => rowOf(each.json(), selection, rowMillis));
  }
}
